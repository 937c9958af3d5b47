import pytest
from overton.inputs.judgements import load_judgements
from tenpapers.errors import UserError
from tenpapers.testing import write_rows


def places(tmp_path, rows):
    """Question and sample of each verdict of some rows."""
    found = load_judgements(write_rows(tmp_path / "m.jsonl", rows))
    return [(one.instance_id, one.sample_index, one.value) for one in found]


@pytest.mark.parametrize("name", ["question_id", "prompt", "id"])
def test_verdicts_of_rows_without_metadata_are_of_the_questions_they_name(name, tmp_path):
    rows = [{name: "q", "stance": "yes"}, {name: "q", "stance": "no"}, {name: "r", "stance": "no"}]
    assert places(tmp_path, rows) == [("q", 0, "yes"), ("q", 1, "no"), ("r", 0, "no")]


def test_ids_that_tell_samples_apart_give_way_to_the_prompt(tmp_path):
    rows = [{"id": n, "prompt": "q", "sample_index": 1 - n, "stance": "no"} for n in (0, 1)]
    assert places(tmp_path, rows) == [("q", 1, "no"), ("q", 0, "no")]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"stance": "yes"}], "m.jsonl:1: names no question"),
        (
            [{"metadata": {"instance_id": 4, "sample_index": 0}, "stance": "yes"}] * 2,
            "m.jsonl:2: a second verdict on sample 0 of instance 4",
        ),
    ],
)
def test_verdicts_on_nothing_and_on_one_sample_twice_are_refused(rows, told, tmp_path):
    with pytest.raises(UserError, match=told):
        places(tmp_path, rows)
