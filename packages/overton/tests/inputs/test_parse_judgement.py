import json

import pytest
from overton import parse_judgement


@pytest.mark.parametrize(
    ("kind", "raw", "value", "status"),
    [
        ("stance", '{"stance": "Both"}', "both", "ok"),
        ("stance", '{"reason": "r", "STANCE": " no "}', "no", "ok"),
        ("stance", 'So:\n```json\n{"stance": "yes"}\n```', "yes", "ok"),
        ("stance", '{"stance": "maybe"}', None, "out_of_range"),
        ("stance", '{"reason": "no stance"}', None, "missing_key"),
        ("stance", '{"stance": "yes', None, "bad_json"),
        ("stance", "yes", None, "bad_json"),
        ("stance", None, None, "call_failed"),
        ("missing", '{"score":"2"}', 2.0, "ok"),
        ("missing", '{"score": 5}', 5.0, "ok"),
        ("missing", '{"score": "N/A"}', None, "ok"),
        ("missing", '{"score": "A: 5, B: 3"}', None, "out_of_range"),
        ("missing", '{"score": 6}', None, "out_of_range"),
        ("missing", '{"score": true}', None, "out_of_range"),
    ],
)
def test_a_verdict_is_read_or_its_fault_is_named(kind, raw, value, status):
    assert parse_judgement(kind, raw) == (value, status)


def test_of_several_objects_the_last_with_the_key_counts():
    raw = '{"stance": "yes"} no, I take it back: {"stance": "no"} {"done": 1}'
    assert parse_judgement("stance", raw) == ("no", "ok")


def test_one_aspect_that_cannot_be_read_is_none_alone():
    scores = {name: {"score": "4"} for name in ("helpfulness", "clarity", "depth", "engagement")}
    raw = json.dumps(scores | {"factuality": {"reason": "r", "score": "N/A"}})
    assert parse_judgement("quality", raw) == (
        dict.fromkeys(scores, 4.0) | {"factuality": None},
        "ok",
    )
    raw = json.dumps(scores | {"factuality": {"score": "high"}})
    assert parse_judgement("quality", raw)[1] == "out_of_range"


def test_topics_keep_what_can_be_read():
    topics = [
        {"name": "cost", "response": "Both", "helpfulness": "5"},
        {"name": "risk", "response": "b", "helpfulness": "A: 5, B: 3"},
    ]
    assert parse_judgement("topics", json.dumps({"topics": topics})) == (
        [
            {"name": "cost", "response": "both", "helpfulness": 5.0},
            {"name": "risk", "response": "B", "helpfulness": None},
        ],
        "out_of_range",
    )


def test_a_text_of_nothing_but_braces_costs_no_more_than_its_length():
    assert parse_judgement("stance", "{" * 200_000) == (None, "bad_json")


@pytest.mark.parametrize("depth", [300, 700, 5000])
def test_a_nest_that_nobody_means_is_no_verdict_and_no_end(depth):
    nest = '{"a": ' * depth + "1" + "}" * depth
    said = f'{nest} so {{"stance": "no"}}'
    assert parse_judgement("stance", said)[1] in ("ok", "bad_json", "missing_key")
    assert parse_judgement("stance", '{"stance": ' + "1" * 5000 + "}") == (None, "bad_json")


def test_a_verdict_is_found_behind_many_braces():
    said = "by $\\frac{a}{b}$, " * 90 + '{"stance": "no"}'
    assert parse_judgement("stance", said) == ("no", "ok")
