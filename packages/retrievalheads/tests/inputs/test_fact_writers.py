"""Who words facts, and what is checked of what they write."""

import json

import pytest
from retrievalheads.inputs.fact_writers import (
    CacheWriter,
    ModelWriter,
    Need,
    TemplateWriter,
    UnwrittenError,
    checked_passage,
)
from retrievalheads.inputs.published_files import Fact
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

FACT = Fact("Lake Orrin", "depth", "41 metres")


GOOD = "Lake Orrin lies low. " + "Reeds grow on its shore. " * 9 + "It goes down 41 metres there."


def test_texts_of_a_model_are_checked_and_asked_for_again():
    """Broken JSON first, then a value that is missing, then a good one; and one that never is."""
    seeds = []

    def generate(asked):
        replies = []
        for _, prompt, opening, seed in asked:
            assert opening == '{"passage": "'
            assert "Lake Orrin" in prompt or "Hill" in prompt
            seeds.append(seed)
            good = json.dumps({"passage": GOOD})
            bad = ["{broken", json.dumps({"passage": "no value " * 50}), "Sure! " + good]
            replies.append(bad[seed] if "Lake Orrin" in prompt.split("Reply")[0] else "no")
        return replies

    writer = ModelWriter(generate)
    other = Fact("Hill", "height", "9")
    writer.prepare([Need("passage", fact=FACT), Need("passage", fact=other)])
    written = writer.passage(FACT, None)
    assert written.text[slice(*written.spans[0])] == "41 metres"
    with pytest.raises(UnwrittenError):
        writer.passage(other, None)
    assert seeds == [0, 0, 1, 1, 2, 2] and sum(writer.failed.values()) == 5
    assert [row.passage for row in writer.rows] == [GOOD]


def test_cached_texts_are_read_and_checked(tmp_path):
    row = {"entity": "Lake Orrin", "relation": "depth", "value": "41 metres", "passage": GOOD}
    writer = CacheWriter.read(write_rows(tmp_path / "c.jsonl", [row]))
    assert writer.passage(FACT, None).text == GOOD
    write_rows(tmp_path / "c.jsonl", [row, row | {"passage": GOOD + " 41 metres"}])
    with pytest.raises(UserError, match=r"c\.jsonl:2: .* 2 times"):
        CacheWriter.read(tmp_path / "c.jsonl")
    with pytest.raises(ValueError, match="words"):
        checked_passage("41 metres", FACT)
    inside = GOOD.replace("41 metres", "7 m in 2017")
    written = checked_passage(inside, Fact("Lake Orrin", "depth", "7"))
    assert inside[slice(*written.spans[0])] == "7" and written.spans[0][0] == inside.index("7 m")


def test_braces_in_texts_mean_nothing():
    import random

    fact = Fact("The {entity} of {value}", "{relation}", "{0}")
    written = TemplateWriter().passage(fact, random.Random(0))
    assert written.text[slice(*written.spans[0])] == "{0}"
    assert "The {entity} of {value}" in written.text
