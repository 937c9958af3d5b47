import pytest
from overton.inputs.judgements import load_judgements
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

SCORES = {"helpfulness": 4, "clarity": 5, "factuality": None, "depth": 2, "engagement": 3}


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
            "m.jsonl: a second verdict on sample 0 of instance 4",
        ),
    ],
)
def test_verdicts_on_nothing_and_on_one_sample_twice_are_refused(rows, told, tmp_path):
    with pytest.raises(UserError, match=told):
        places(tmp_path, rows)


def rows_of(*parts):
    return [
        {"metadata": {"instance_id": 7, "sample_index": n}} | part for n, part in enumerate(parts)
    ]


@pytest.mark.parametrize(
    ("kind", "value", "wanted", "status"),
    [
        ("stance", "Both", "both", "ok"),
        ("stance", "maybe", None, "out_of_range"),
        ("stance", None, None, "out_of_range"),
        ("missing", 2, 2.0, "ok"),
        ("missing", None, None, "ok"),
        ("missing", float("nan"), None, "out_of_range"),
        ("quality", SCORES, SCORES, "ok"),
        ("quality", SCORES | {"depth": 9}, SCORES | {"depth": None}, "out_of_range"),
        ("quality", {"depth": 2}, dict.fromkeys(SCORES) | {"depth": 2}, "missing_key"),
        ("quality", 4, None, "out_of_range"),
        ("topics", ["cost"], None, "out_of_range"),
    ],
)
def test_a_value_is_checked_as_a_judges_words_are(tmp_path, kind, value, wanted, status):
    file = write_rows(tmp_path / "m.jsonl", rows_of({"kind": kind, "value": value}, {"value": 1}))
    found = load_judgements(file)[0]
    assert (found.value, found.status) == (wanted, status)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("Both", "stance"),
        (SCORES, "quality"),
        (2, "missing"),
        ([{"name": "cost", "response": "A", "helpfulness": 4}], "topics"),
    ],
)
def test_the_judge_is_known_by_what_a_value_is(tmp_path, value, kind):
    """A row need not say its judge; one that was not read says nothing."""
    rows = rows_of({"value": None, "status": "bad_json"}, {"value": value})
    found = load_judgements(write_rows(tmp_path / "m.jsonl", rows))
    assert [(one.kind, one.status) for one in found] == [(kind, "bad_json"), (kind, "ok")]


def test_the_judge_is_known_by_any_row(tmp_path):
    """The first was cut off; it is no verdict of another judge."""
    rows = rows_of({"outputs": ['{"score": ']}, {"outputs": ['{"score": 2}']})
    found = load_judgements(write_rows(tmp_path / "m.jsonl", rows))
    assert [(one.kind, one.value, one.status) for one in found] == [
        ("missing", None, "bad_json"),
        ("missing", 2.0, "ok"),
    ]


def test_rows_that_name_no_sample_count_up(tmp_path):
    rows = [{"metadata": {"instance_id": name}, "stance": "yes"} for name in (1, 2, "1")]
    found = load_judgements(write_rows(tmp_path / "m.jsonl", rows))
    assert [(one.instance_id, one.sample_index) for one in found] == [(1, 0), (2, 0), (1, 1)]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (rows_of({"stance": "no"}) * 2, "a second verdict on sample 0 of instance 7"),
        ([{"metadata": [7], "stance": "no"}], "m.jsonl:1: `metadata` is an object"),
        (
            [{"metadata": {"instance_id": 7, "sample_index": "a"}, "stance": "no"}],
            "m.jsonl:1: the index of a sample is a number, not 'a'",
        ),
        (rows_of({"kind": "stance", "value": "no", "status": "fine"}), "status 'fine'; one of ok"),
        (rows_of({"kind": "stance"}), "m.jsonl:1: neither `outputs` nor `value`"),
        (rows_of({"outputs": 3}), "verdicts of no judge we know"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(tmp_path, rows, told):
    with pytest.raises(UserError, match=told):
        load_judgements(write_rows(tmp_path / "m.jsonl", rows))
