import pytest
from lofit.inputs.encoding import encode_examples, encode_pairs
from lofit.records import PreferencePair, SFTExample
from tenpapers.errors import UserError


def test_the_number_of_supervised_tokens_does_not_depend_on_the_prompt(lm):
    completion = " Karl Döhler"
    prompts = ["A:", "A", "a much longer prompt\n", "ends with a blank ", "?!"]
    made = encode_examples(
        lm.tokenizer, [SFTExample(id="1", prompt=p, completion=completion) for p in prompts]
    )
    n = len(lm.tokenizer(completion, add_special_tokens=False)["input_ids"])
    assert {one.supervised for one in made} == {n + 1}
    assert all(one.ids[-1] == lm.tokenizer.eos_token_id for one in made)
    long = SFTExample(id="long", prompt="word " * 500, completion=completion)
    (cut,) = encode_examples(lm.tokenizer, [long], max_length=50)
    assert len(cut.ids) == 50 and cut.truncated and cut.supervised == n + 1
    with pytest.raises(UserError, match=r"long: \d+ prompt tokens and \d+ completion tokens"):
        encode_examples(lm.tokenizer, [long], max_length=4)
    pair = PreferencePair(id="p", prompt="Q: x A:", chosen=" yes", rejected=" word" * 200)
    with pytest.raises(UserError, match="p: a response of 201 tokens"):
        encode_pairs(lm.tokenizer, [pair])


def test_a_tokenizer_without_an_end(lm):
    import copy

    bare = copy.deepcopy(lm.tokenizer)
    bare.eos_token = None
    example = SFTExample(id="1", prompt="p", completion=" c")
    with pytest.raises(UserError, match="--eos-token"):
        encode_examples(bare, [example])
    (made,) = encode_examples(bare, [example], eos_token="<|im_end|>")
    assert made.ids[-1] == lm.tokenizer.convert_tokens_to_ids("<|im_end|>")
