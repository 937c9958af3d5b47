import copy

import pytest
from lofit.inputs.encoding import Encoding, as_chat, encode, prompt_ids, remarks
from lofit.records import PreferencePair, SFTExample
from tenpapers.errors import UserError
from tenpapers.testing import byte_tokenizer


def example(prompt, completion=" yes", **more):
    return SFTExample(id="1", prompt=prompt, completion=completion, **more)


@pytest.fixture
def letters():
    """One token a byte; BOS in front of every text, as Llama's, and a template without one."""
    made = byte_tokenizer()
    made._tokenizer.post_processor = processor("<s> $A", [("<s>", 1)])
    made.chat_template = (
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}[/]{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    return made


def processor(single, special):
    from tokenizers.processors import TemplateProcessing

    return TemplateProcessing(single=single, special_tokens=special)


def test_the_number_of_supervised_tokens_does_not_depend_on_the_prompt(tokenizer):
    completion = " Karl Döhler"
    prompts = ["A:", "A", "a much longer prompt\n", "ends with a blank ", "?!"]
    encoded = encode(tokenizer, [example(prompt, completion) for prompt in prompts])
    n = len(tokenizer(completion, add_special_tokens=False)["input_ids"])
    assert {sequence.supervised for sequence in encoded} == {n + 1}
    assert all(sequence.ids[-1] == tokenizer.eos_token_id for sequence in encoded)
    long = example("word " * 500, completion)
    (cut,) = encode(tokenizer, [long], Encoding(max_length=50))
    assert len(cut.ids) == 50 and cut.truncated and cut.supervised == n + 1
    with pytest.raises(UserError, match=r"1: \d+ prompt tokens and \d+ completion tokens"):
        encode(tokenizer, [long], Encoding(max_length=4))
    pair = PreferencePair(id="p", prompt="Q: x A:", chosen=" yes", rejected=" word" * 200)
    with pytest.raises(UserError, match="p: a response of 201 tokens"):
        encode(tokenizer, [pair])


def test_a_tokenizer_without_an_end(tokenizer):
    bare = copy.deepcopy(tokenizer)
    bare.eos_token = None
    with pytest.raises(UserError, match="--eos-token"):
        encode(bare, [example("p")])
    (encoded,) = encode(bare, [example("p")], Encoding(eos_token="<|im_end|>"))
    assert encoded.ids[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")


def text(tokenizer, ids):
    return tokenizer.decode(ids)


def test_a_prompt_that_is_too_long_keeps_its_bos_and_is_told(letters):
    """Nine tokens: BOS, four of the prompt, " yes" in four and the end are ten."""
    rows, how = [example("abcdef"), example("ab")], Encoding(max_length=9)
    encoded = encode(letters, rows, how)
    assert [text(letters, e.ids) for e in encoded] == ["<s>def yes</s>", "<s>ab yes</s>"]
    assert remarks(letters, rows, encoded, how) == [
        "1 of 2 prompts are too long and lost their beginning (--max-length)"
    ]
    pair = PreferencePair(id="p", prompt="abcdef", chosen="x", rejected="y")
    (pair,) = encode(letters, [pair], Encoding(max_length=4))
    assert text(letters, pair.chosen.ids) == "<s>defx</s>"
    assert pair.chosen.truncated and pair.rejected.truncated


def test_a_prompt_has_one_bos_and_no_end_in_it(letters):
    letters._tokenizer.post_processor = processor("<s> $A </s>", [("<s>", 1), ("</s>", 2)])
    assert text(letters, prompt_ids(letters, "ab")) == "<s>ab"
    assert text(letters, prompt_ids(letters, "<s>ab")) == "<s>ab"
    assert text(letters, prompt_ids(letters, "ab</s>")) == "<s>ab</s>"  # the user's own
    (encoded,) = encode(letters, [example("<s>ab")])
    assert text(letters, encoded.ids) == "<s>ab yes</s>"


def test_a_blank_at_the_end_of_prompts_is_told(letters):
    rows = [example("A: "), example("A:")]
    assert remarks(letters, rows, encode(letters, rows), Encoding()) == [
        "1 of 2 prompts end with a blank, which belongs to the head of the completion"
    ]


def test_a_prompt_in_the_chat_template_is_not_put_into_it_again(letters):
    chat, once = Encoding(chat=True), "[user]hi[/][assistant]"
    rows = [example("hi"), example(once)]
    encoded = encode(letters, rows, chat)
    assert text(letters, encoded[0].ids) == "[user]hi[/][assistant]yes</s>"
    assert text(letters, encoded[1].ids) == "<s>[user]hi[/][assistant]yes</s>"
    assert remarks(letters, rows, encoded, chat) == [
        "1 of 2 prompts stand in the chat template already and are taken as they are"
    ]
    assert as_chat(letters, "hi") == as_chat(letters, once) == once


def test_the_indentation_of_code_stays_at_the_head_of_a_turn(letters):
    """The one blank that a plain prompt leaves to its completion goes, and nothing else."""
    rows = [example("p", completion) for completion in (" yes", "    return 1", "\tx")]
    ends = [text(letters, e.ids) for e in encode(letters, rows, Encoding(chat=True))]
    assert ends == [f"[user]p[/][assistant]{end}</s>" for end in ("yes", "    return 1", "\tx")]


def test_messages_stand_in_the_template_without_being_asked_to(letters):
    turns = ({"role": "system", "content": "be"}, {"role": "user", "content": "hi"})
    (encoded,) = encode(letters, [example("hi", "yes", messages=turns)])
    assert text(letters, encoded.ids) == "[system]be[/][user]hi[/][assistant]yes</s>"


def test_options_of_the_template_are_those_of_generation(letters):
    letters.chat_template = "{{ messages[0].content }}[{{ mood }}]"
    how = Encoding(chat=True, template_options={"mood": "calm"})
    (encoded,) = encode(letters, [example("hi")], how)
    assert text(letters, encoded.ids) == "hi[calm]yes</s>"


def test_a_tokenizer_without_a_template_is_one_line():
    with pytest.raises(UserError, match="no chat template; drop --chat-template"):
        encode(byte_tokenizer(), [example("p")], Encoding(chat=True))
