import sys

import pytest
from dcr.distill.parse_teacher import LONGEST, parse_errors
from dcr.distill.rows import TeacherError

ERROR = TeacherError(span="in July", type="Contradiction", feedback="It was June.", fix="in June")
JSON = (
    '[{"span": "in July", "type": "Contradiction", "feedback": "It was June.", "fix": "in June"}]'
)


@pytest.mark.parametrize(
    "reply",
    [
        JSON,
        JSON[1:-1],
        f"Here are the errors:\n```json\n{JSON}\n```\nI hope that helps.",
        f"The errors are {JSON}.",
        JSON.replace('"', "'"),
        JSON.replace('"span"', '" span "').replace('"type"', '"Error type"'),
        JSON.replace('"span"', '"inconsistency span"'),
        JSON.replace("]", ', {"span": "", "feedback": "x"}, {"span": "y"}, 3]'),
    ],
)
def test_errors_are_read_as_json_or_as_literals(reply):
    assert parse_errors(reply) == [ERROR]


def test_a_word_that_holds_json_stays_whole():
    reply = JSON.replace("in July", "a json file")
    assert parse_errors(reply)[0].span == "a json file"


@pytest.mark.parametrize("fix", ['""', "null"])
def test_no_fix_means_that_the_span_goes(fix):
    assert parse_errors(JSON.replace('"in June"', fix))[0].fix == ""


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "[]",
        "I see no errors.",
        "[1, 2]",
        '{"a": 1}',
        '__import__("os").system("touch ran")',
        '[__import__("os").system("touch ran")]',
        '{"span": open("ran", "w"), "feedback": "x"}',
        "[" * LONGEST,
        "-" * 10_000 + "1",
        '{"a":' * 5_000,
    ],
)
def test_what_cannot_be_read_is_no_error_and_nothing_runs(reply, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    limit = sys.getrecursionlimit()
    assert parse_errors(reply) == []
    assert list(tmp_path.iterdir()) == [] and sys.getrecursionlimit() == limit
