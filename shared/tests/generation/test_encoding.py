import logging
from types import SimpleNamespace

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Completion, Request, Sampling
from tenpapers.generation.encoding import admit, chat_text, encode, encode_plain, encode_scored
from tenpapers.generation.types import Message

GEMMA_LIKE = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('System role not "
    "supported') }}{% endif %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def chat(*turns):
    return Request(
        id="1", messages=tuple(Message(role=role, content=content) for role, content in turns)
    )


@pytest.fixture(scope="module")
def tokenizer():
    from tenpapers.models import load_tokenizer

    return load_tokenizer("smollm2")


def test_a_plain_prompt_is_encoded_as_it_stands(tokenizer):
    assert tokenizer.decode(encode(tokenizer, Request(id="1", prompt="One two"))) == "One two"


def test_messages_come_in_the_models_template_and_an_assistants_last_one_is_gone_on_with(tokenizer):
    asked = tokenizer.decode(encode(tokenizer, chat(("system", "Be brief."), ("user", "Why?"))))
    assert asked == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    begun = chat_text(tokenizer, chat(("user", "Why?"), ("assistant", "Because")))
    assert begun.endswith("<|im_start|>assistant\nBecause")


def test_a_template_without_a_system_role_gets_it_with_the_question(tokenizer, monkeypatch):
    monkeypatch.setattr(tokenizer, "chat_template", GEMMA_LIKE)
    asked = chat_text(tokenizer, chat(("system", "Be brief."), ("user", "Why?")))
    assert asked == "<user>Be brief.\n\nWhy?</user><assistant>"
    begun = chat_text(
        tokenizer, chat(("system", "Be brief."), ("user", "Why?"), ("assistant", "Because"))
    )
    assert begun == "<user>Be brief.\n\nWhy?</user><assistant>Because"
    with pytest.raises(UserError, match="chat template: System role not supported"):
        chat_text(tokenizer, chat(("user", "Why?"), ("system", "Be brief.")))


def test_without_a_template_messages_are_paragraphs_and_that_is_said_once(caplog):
    # Said once a name, so the name is this test's own; other tests may have set up logging.
    caplog.set_level(logging.WARNING, logger="tenpapers.generation.encoding")
    plain = SimpleNamespace(name_or_path="a bare model")
    asked = chat(("system", "Be brief."), ("user", "Why?"))
    assert chat_text(plain, asked) == "System: Be brief.\n\nUser: Why?\n\nAssistant:"
    begun = chat(("user", "Why?"), ("assistant", "Because"))
    assert chat_text(plain, begun) == "User: Why?\n\nAssistant: Because"
    assert [record.message for record in caplog.records] == [
        "a bare model has no chat template: messages are sent as plain paragraphs"
    ]


class Letters:
    """A tokenizer of one token a letter, which writes its BOS (1) in front."""

    bos_token_id, eos_token_id, eos_token, name_or_path = 1, 2, "$", "letters"

    def __init__(self, chat_template=None, *, ends=False):
        self.chat_template, self.end = chat_template, [2] if ends else []

    def __call__(self, text, *, add_special_tokens=True):
        ids = [{"^": 1, "$": 2}.get(letter, ord(letter)) for letter in text]
        return {"input_ids": [1, *ids, *self.end] if add_special_tokens else ids}


def failed(request, context=10, tokenizer=None):
    completion = admit(tokenizer or Letters(), request, context)
    assert isinstance(completion, Completion) and completion.failed and completion.id == request.id
    return completion.error


@pytest.mark.parametrize(
    ("letters", "new", "fits"), [(5, 4, True), (6, 4, False), (8, 1, True), (8, 2, False)]
)
def test_a_prompt_and_its_answer_have_to_fit_the_context(letters, new, fits):
    request = Request(id="a", prompt="x" * letters, sampling=Sampling(max_tokens=new))
    if fits:
        assert admit(Letters(), request, context=10) == [1] + [120] * letters
    else:
        assert failed(request) == (
            f"prompt of {letters + 1} tokens and {new} new ones do not fit the context of 10"
        )


def test_a_request_that_cannot_be_asked_is_a_failed_completion(tokenizer, monkeypatch):
    """Empty, neither or both, refused by the template: told, and no exception."""
    both = chat(("user", "x")).model_copy(update={"prompt": "x"})
    assert failed(Request(id="a")) == failed(both) == "a request has either a prompt or messages"
    assert failed(Request(id="a", prompt=""), tokenizer=tokenizer) == "an empty prompt"
    refusing = "{{ raise_exception('roles must alternate') }}"
    monkeypatch.setattr(tokenizer, "chat_template", refusing)
    assert "chat template: roles must alternate" in failed(chat(("user", "x")), 999, tokenizer)


def test_a_template_that_drops_the_beginning_of_an_answer_is_told(tokenizer, monkeypatch):
    users_only = "{% for m in messages if m.role == 'user' %}<{{ m.content }}>{% endfor %}"
    monkeypatch.setattr(tokenizer, "chat_template", users_only)
    told = failed(chat(("user", "Why?"), ("assistant", "Because")), 999, tokenizer)
    assert told.endswith("chat template: drops the beginning of an answer (the last message)")


def test_options_of_a_spec_reach_the_template(tokenizer, monkeypatch):
    thinking = "{{ messages[0].content }}{% if enable_thinking %}<think>{% endif %}"
    monkeypatch.setattr(tokenizer, "chat_template", thinking)
    assert chat_text(tokenizer, chat(("user", "Why?"))) == "Why?"
    assert chat_text(tokenizer, chat(("user", "Why?")), {"enable_thinking": True}) == "Why?<think>"
    ids = admit(tokenizer, chat(("user", "Why?")), 999, {"enable_thinking": True})
    assert tokenizer.decode(ids) == "Why?<think>"


def test_a_text_that_begins_with_bos_gets_no_second_one():
    assert encode_plain(Letters(), "ab") == encode_plain(Letters(), "^ab") == [1, 97, 98]


def test_an_end_that_a_tokenizer_puts_behind_every_text_is_none_of_a_prompt():
    letters = Letters(ends=True)
    assert encode_plain(letters, "ab") == [1, 97, 98]
    assert encode_plain(letters, "ab$") == encode_plain(Letters(), "ab$") == [1, 97, 98, 2]


def test_a_scored_text_is_the_prompt_and_what_the_whole_has_behind_it():
    assert encode_scored(Letters(), "^a", ["b", "", "bc"], 4) == ([1, 97], [(98,), (), (98, 99)])
    with pytest.raises(UserError, match="a scored text of 5 tokens does not fit the context of 4"):
        encode_scored(Letters(), "ab", ["cd"], 4)


def test_a_continuation_that_melts_into_the_prompt_is_scored_by_its_own_tokens(tokenizer):
    head, (tail,) = encode_scored(tokenizer, "inter", ["national"], 99)
    assert tokenizer.decode(head) == "inter" and tokenizer.decode(list(tail)) == "national"
    with pytest.raises(UserError, match="at least one token"):
        encode_scored(tokenizer, "", ["a"], 99)
