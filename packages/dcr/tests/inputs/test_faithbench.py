import json

import pytest
from dcr.inputs.faithbench import read_faithbench
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

PUBLISHED = {
    "sample_id": 4,
    "source": "Tea is hot.",
    "summary": " Tea is red.",
    "annotations": [
        {
            "annot_id": 1,
            "annotator_id": "x",
            "annotator_name": "Ann",
            "label": ["Unwanted"],
            "note": "no colour",
            "summary_span": "red",
            "summary_start": 8,
            "summary_end": 11,
            "source_span": None,
            "source_start": None,
            "source_end": None,
        }
    ],
    "metadata": {"summarizer": "m", "hhemv1": 0.4, "raw_sample_id": 9},
}


def test_a_published_batch_makes_rows_of_ours(tmp_path):
    for number in (12, 2):
        file = tmp_path / f"batch_{number}.json"
        file.write_text(json.dumps({"samples": [PUBLISHED]}))
    first, second = read_faithbench(tmp_path)
    assert (first.id, second.id) == ("b2_4", "b12_4")
    assert first.model_extra == {"summarizer": "m", "detectors": {"hhemv1": 0.4}}
    (gold,) = first.gold
    assert (gold.span, gold.start, gold.end, gold.label) == ("red", 8, 11, ["Unwanted"])
    assert (gold.explanation, gold.model_extra["annotator"]) == ("no colour", "Ann")


def test_a_span_that_is_elsewhere_is_told(tmp_path):
    gold = {"span": "red", "start": 7, "end": 10, "label": ["Unwanted"], "note": ""}
    row = {"id": "a", "source": "Tea.", "summary": " Tea is red.", "annotations": [gold]}
    with pytest.raises(UserError, match=r"in\.jsonl:1: the summary has another text where 'red'"):
        read_faithbench(write_rows(tmp_path / "in.jsonl", [row]))


@pytest.mark.parametrize("content", ['{"samples": [{"sample_id": 1}]}', '{"rows": []}'])
def test_what_is_no_batch_is_told(tmp_path, content):
    (tmp_path / "batch_1.json").write_text(content)
    with pytest.raises(UserError, match="is no batch of FaithBench"):
        read_faithbench(tmp_path)


def test_all_spans_of_the_published_summaries_stand_where_they_say(data):
    rows = read_faithbench(data / "faithbench.jsonl.gz")
    gold = [(row, error) for row in rows for error in row.gold]
    assert (len(rows), len(gold)) == (600, 1909)
    assert all(row.response[error.start : error.end] == error.span for row, error in gold)
    assert sum(bool(row.gold) for row in rows) == 471
    assert sum(any(error.is_error for error in row.gold) for row in rows) == 355
