import json
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lofit.inputs import clutrr, mquake
from lofit.scoring.exact_match import ended, exact_match


@pytest.mark.acceptance
def test_the_exact_match_fixture(data):
    """12 rows, both rules."""
    rows = [json.loads(line) for line in (data / "fixtures" / "em.jsonl").read_text().splitlines()]
    assert len(rows) == 12
    for row in rows:
        for mode in ("strict", "normalized"):
            found = exact_match(
                row["task"], row["completion"], row["labels"], strict=mode == "strict"
            )
            assert found == row[mode], (row, mode)


@pytest.mark.acceptance
@pytest.mark.parametrize("strict", [False, True])
def test_the_right_answers_of_the_published_sets_are_right(data, strict):
    """What is trained to be said, said: both rules call all of it right."""
    for part in ("train", "val", "test"):
        for name, task in (("mquake", mquake), ("clutrr", clutrr)):
            rows = task.read(data / f"{name}_{part}.jsonl.gz")
            right = [exact_match(name, row.completion, row.gold, strict=strict) for row in rows]
            assert all(right)


def test_strict_looks_after_the_last_marker():
    assert exact_match("mquake", "Paris\nQ: x\nA:rome", ["Paris"], strict=True) == 0
    assert exact_match("mquake", "Paris\nQ: x\nA:rome", ["Paris"]) == 1


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        (" Yes.", " Yes."),
        ("line one\nline two", "line one\nline two"),
        ("Paris", " Paris"),
        ("caf\u00e9", "cafe\u0301"),
        (" Washington, D.C.\nQ:", "Washington, D.C."),
        ("STRASSE", "straße"),
        (".", "."),
    ],
)
def test_one_normaliser_for_what_is_said_and_what_is_right(completion, answer):
    assert exact_match("jsonl", completion, [answer]) == 1


@given(
    text=st.text().filter(lambda text: text.strip()),
    task=st.sampled_from(["jsonl", "mquake", "clutrr"]),
    form=st.sampled_from(["NFC", "NFD"]),
    end=st.sampled_from(["", ".", "\n", " "]),
)
def test_an_answer_is_right_against_itself_in_any_form(text, task, form, end):
    assert exact_match(task, text, [text]) == 1
    if text.strip()[-1] in string.ascii_letters:
        assert exact_match(task, unicodedata.normalize(form, text) + end, [text]) == 1


def test_where_the_graded_part_of_an_answer_has_ended():
    """More tokens would not change it."""
    assert ended("mquake", " Paris\nQ: ") and not ended("mquake", "\n Paris.")
    assert ended("clutrr", "son. And") and not ended("clutrr", "grand")
