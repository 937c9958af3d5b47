import pytest
from overton.recovery.answers import split_summary


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It agrees.\n```\n\n# Answer:\n```\nYes.\n```\n", ("It agrees.", "Yes.", "ok")),
        ("It agrees.\n```\n\n# Answer:\n```\nYes, tru", ("It agrees.", "Yes, tru", "ok")),
        (
            "S\n```\n\n# Answer:\n```\nA\n```\n\n# Answer:\n```\nmore\n```",
            ("S", "A", "ok"),
        ),
        ("It agrees.\n```\n\nBut then", ("It agrees.\n```\n\nBut then", "", "no_answer")),
        ("It agrees.\n```", ("It agrees.", "", "no_answer")),
        ("", ("", "", "no_answer")),
        ("S\r\n```\r\n\r\n# Answer:\r\n```\r\nA\r\n```", ("S", "A", "ok")),
        ("S\n```\n\n# Answer:\n```\n```", ("S", "", "ok")),
    ],
)
def test_the_first_answer_counts_and_what_stands_before_is_the_summary(text, found):
    assert split_summary(text) == found
