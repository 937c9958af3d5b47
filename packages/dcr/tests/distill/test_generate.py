import pytest
from dcr.critique.language_model import LanguageModel
from dcr.critique.stage import Counted
from dcr.distill.generate import initial_rows, is_degenerate, response_messages
from dcr.distill.rows import Source
from dcr.distill.settings import GenerateSettings
from pydantic import ValidationError
from tenpapers.testing import write_rows

SETTINGS = GenerateSettings(sources="x", model="y")


def test_a_summary_on_a_topic_is_asked_for_or_just_what_the_instruction_says():
    (asked,) = response_messages(Source(id="a", document="Ann ran.", topic="sport"))
    assert "```\nAnn ran.\n```" in asked.content and "```\nsport\n```" in asked.content
    assert "under 50 words" in asked.content
    (asked,) = response_messages(Source(id="a", instruction="Sum up: Ann ran."))
    assert asked.content == "Sum up: Ann ran."


def test_an_instruction_stands_for_its_document():
    assert Source(id=7, instruction="Sum up: Ann ran.").document == "Sum up: Ann ran."
    with pytest.raises(ValidationError, match="an instruction that holds one"):
        Source(id="a")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ann ran.", False),
        ("Ann ran.\n\tÄ 中 🙂", False),
        ("Ann \ufffd", True),
        ("Ann \x07", True),
        ("Ann \ue000", True),
        ("It is so. " * 20, False),
        ("It is so. " * 21, True),
    ],
)
def test_a_response_that_runs_on_or_holds_strange_characters(text, wanted):
    assert is_degenerate(text) is wanted


def test_such_a_response_is_drawn_again_three_times_and_then_marked(tmp_path):
    said = {
        "a|initial": "Ann \ufffd",
        "a|initial|try 2": "Ann ran.",
        "b|initial": "\ufffd",
        **{f"b|initial|try {number}": "\ufffd" for number in (2, 3, 4)},
        "d|initial": {"text": "No.", "finish_reason": "refused"},
    }
    rows = [
        {"id": name, **(text if isinstance(text, dict) else {"text": text})}
        for name, text in said.items()
    ]
    model = LanguageModel.open(f"replay:{write_rows(tmp_path / 'said.jsonl', rows)}")
    sources = [Source(id=name, document="Ann ran.", topic="x", year=1998) for name in "abcd"]
    counted = Counted()
    made = {row.id: row for row in initial_rows(sources, model, SETTINGS, counted)}
    assert {name: (row.response, row.draws, row.dropped) for name, row in made.items()} == {
        "a": ("Ann ran.", 2, ""),
        "b": ("\ufffd", 4, "degenerate"),
        "d": ("No.", 1, "refused"),
    }
    assert counted.failed == {"c": "model: error: not recorded"}
    assert made["a"].year == 1998
