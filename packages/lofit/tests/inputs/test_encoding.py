import copy

import pytest
from lofit.inputs.encoding import encode_examples, encode_pairs
from lofit.records import PreferencePair, SFTExample
from tenpapers.errors import UserError


def test_the_number_of_supervised_tokens_does_not_depend_on_the_prompt(tokenizer):
    completion = " Karl Döhler"
    prompts = ["A:", "A", "a much longer prompt\n", "ends with a blank ", "?!"]
    encoded = encode_examples(
        tokenizer, [SFTExample(id="1", prompt=p, completion=completion) for p in prompts]
    )
    n = len(tokenizer(completion, add_special_tokens=False)["input_ids"])
    assert {sequence.supervised for sequence in encoded} == {n + 1}
    assert all(sequence.ids[-1] == tokenizer.eos_token_id for sequence in encoded)
    long = SFTExample(id="long", prompt="word " * 500, completion=completion)
    (cut,) = encode_examples(tokenizer, [long], max_length=50)
    assert len(cut.ids) == 50 and cut.truncated and cut.supervised == n + 1
    with pytest.raises(UserError, match=r"long: \d+ prompt tokens and \d+ completion tokens"):
        encode_examples(tokenizer, [long], max_length=4)
    pair = PreferencePair(id="p", prompt="Q: x A:", chosen=" yes", rejected=" word" * 200)
    with pytest.raises(UserError, match="p: a response of 201 tokens"):
        encode_pairs(tokenizer, [pair])


def test_a_tokenizer_without_an_end(tokenizer):
    bare = copy.deepcopy(tokenizer)
    bare.eos_token = None
    example = SFTExample(id="1", prompt="p", completion=" c")
    with pytest.raises(UserError, match="--eos-token"):
        encode_examples(bare, [example])
    (encoded,) = encode_examples(bare, [example], eos_token="<|im_end|>")
    assert encoded.ids[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")
