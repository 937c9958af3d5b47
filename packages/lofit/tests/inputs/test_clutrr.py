import json
import random

import pytest
from lofit.inputs import clutrr
from lofit.inputs.load_task import load_task
from tenpapers.errors import UserError


@pytest.mark.acceptance
def test_the_clutrr_subset_is_pythons_own_draw(data):
    task = load_task("clutrr", data)
    everything = clutrr.read(data / "clutrr_train.jsonl.gz")
    assert task.train == random.Random(42).sample(everything, 300)
    assert len(task.contrast) == 300
    assert all(c.positive != c.negative for c in task.contrast)


def test_repeated_stories_can_be_dropped(mini, tmp_path):
    line = (mini / "clutrr_val.jsonl").read_text().splitlines()[0]
    file = tmp_path / "twice.jsonl"
    file.write_text(f"{line}\n{line}\n")
    assert len(clutrr.read(file)) == 2 and len(clutrr.read(file, dedup=True)) == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"query": "('Ann', 'Bob', 'Cy')"}, r"f.jsonl:1: id x: query .*not a pair of names"),
        ({"query": "__import__('os').system('true')"}, "id x: query"),
        ({"query": None}, "id x: query None"),
        ({"target_text": ""}, "target_text: a text is wanted"),
    ],
)
def test_bad_clutrr_rows(row, told, tmp_path):
    """Id and raw value; nothing is evaluated."""
    good = {"id": "x", "clean_story": "[A] b.", "query": "('A', 'B')", "target_text": "son"}
    file = tmp_path / "f.jsonl"
    file.write_text(json.dumps(good | row) + "\n")
    with pytest.raises(UserError, match=told):
        clutrr.read(file)
