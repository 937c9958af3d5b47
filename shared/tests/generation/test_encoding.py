import logging
from types import SimpleNamespace

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling
from tenpapers.generation.encoding import chat_text, encode, misfit
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


@pytest.mark.parametrize(
    ("tokens", "new", "fits"), [(6, 4, True), (7, 4, False), (0, 4, False), (9, 1, True)]
)
def test_a_prompt_and_its_answer_have_to_fit_the_context(tokens, new, fits):
    request = Request(id="a", prompt="x", sampling=Sampling(max_tokens=new))
    failed = misfit(request, [5] * tokens, context=10)
    assert (failed is None) == fits
    if failed:
        assert failed.error == (
            f"prompt of {tokens} tokens and {new} new ones do not fit the context of 10"
        )
        assert failed.n_prompt_tokens == tokens
