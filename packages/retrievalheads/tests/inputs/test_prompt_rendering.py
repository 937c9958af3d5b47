"""Prompts and their templates."""

import pytest
from retrievalheads.inputs.prompt_rendering import ChatFrame, Draft, Span, compose
from tenpapers.errors import UserError


def test_prompts_follow_the_users_templates_and_the_chat_frame(tmp_path, tokenizer):
    (tmp_path / "document.jinja").write_text("<{{ number }}> {{ text }} ({{ title }})\n")
    span = Span("answer", 4, 8)
    prompt = compose(
        "mdqa",
        "why?",
        [Draft("the cake here", "gold", "T", None, (span,))],
        folder=tmp_path,
        chat=ChatFrame.of(tokenizer),
    )
    assert "<1> the cake here (T)" in prompt.text and prompt.needle_texts == ("cake",)
    assert prompt.text.count("<|im_start|>user") == 1 and prompt.text.endswith("Answer:")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "document.jinja").write_text("{{ text }}")
    with pytest.raises(UserError, match="number, then text"):
        compose("mdqa", "why?", [Draft("x", "gold", "U")], folder=tmp_path / "other")
