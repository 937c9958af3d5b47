import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request
from tenpapers.generation.encoding import chat_text
from tocot.answering.label_likelihood import run_logprob
from tocot.answering.prompts import build_messages

from ..conftest import item, kept, sums


def test_direct_answers_by_log_probability(tiny, tmp_path):
    items = [item(1), item(2, gold="B")]
    with kept(tmp_path / "o.jsonl") as log:
        rows = run_logprob(tiny, items, ["zs_direct"], log, progress=False)
    tokenizer = tiny.backend.lm.tokenizer
    for one, row in zip((item(1), item(2)), rows, strict=True):
        prompt = build_messages(one, "zs_direct", "prefill")
        text = chat_text(tokenizer, Request(id="1", messages=tuple(prompt.messages)))
        assert text.endswith("Answer: ")
        a, b = tiny.score(text[:-1], [" A", " B"])
        assert len(a.tokens) == 1 and row.answer == ("A" if a.total > b.total else "B")
    assert all(one.answer in ("A", "B") and one.parsed for one in rows)
    assert [one.correct for one in rows] == [one.answer == one.gold for one in rows]
    with kept(tmp_path / "p.jsonl") as log, pytest.raises(UserError, match="no labels to score"):
        run_logprob(tiny, [sums()], ["zs_direct"], log)
