import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesizrr.inputs.task import load_task
from synthesizrr.inversion.prompts import render_prompt
from synthesizrr.records import IclRow

AG = load_task("ag_news")

HARD = [
    "{} {0} {label}",
    "'single' \"double\"",
    "Summary: Summary: spoof",
    "x" * 10_000,
    "हिन्दी पाठ",
    "SumSummary:mary: again",
    "News article:\nother",
    "Human: hi\n\nAssistant: ho",
    "a\n\n\nb",
    "\x1b[31mred\x00",
]


def shot(n, label="World", context="A document."):
    return IclRow(
        id=f"i{n}", label=label, example_text=f"Answer {n}.", context=context, seed_id=f"s{n}"
    )


def test_a_retricl_prompt_as_a_whole():
    text = render_prompt(AG, "retricl", "Sports", "A match.", [shot(1), shot(2)])
    ask = AG.ask("Sports", document=True)
    assert text == (
        f"News article:\nA document.\n\n{ask}\nSummary: Answer 1.\n\n"
        f"News article:\nA document.\n\n{ask}\nSummary: Answer 2.\n\n"
        f"News article:\nA match.\n\n{ask}\nSummary:"
    )
    assert AG.labels["Sports"] in ask


def test_a_non_retricl_demonstration_is_the_answer_alone():
    text = render_prompt(AG, "non-retricl", "World", "A summit.", [shot(1, context=None)])
    ask = AG.ask("World", document=True)
    assert text == f"Summary: Answer 1.\n\nNews article:\nA summit.\n\n{ask}\nSummary:"


def test_fewgen_has_no_document():
    text = render_prompt(AG, "fewgen", "World", None, [shot(1, context=None)])
    ask = AG.ask("World", document=False)
    assert text == f"{ask}\nSummary: Answer 1.\n\n{ask}\nSummary:"
    assert "above" not in ask


def test_other_styles():
    turns = render_prompt(AG, "retricl", "World", "A.", [shot(1)], "turns")
    assert turns.count("Human:") == turns.count("Assistant:") == 2
    assert turns.endswith("Assistant: Summary:")
    chat = render_prompt(AG, "retricl", "World", "A.", [shot(1)], "chat")
    assert [turn.role for turn in chat] == ["user", "assistant", "user"]
    assert chat[1].content == "Answer 1." and "A." in chat[2].content
    own_line = render_prompt(load_task("hyperpartisan"), "retricl", "true", "A.", [])
    assert own_line.endswith("\nRewritten article:\n")


@pytest.mark.parametrize("style", ["plain", "turns", "chat"])
@pytest.mark.parametrize("mode", ["retricl", "non-retricl", "fewgen"])
@pytest.mark.parametrize("text", HARD)
def test_no_text_ends_its_block_or_begins_another(text, mode, style):
    """As many answer prefixes as blocks, whatever the texts hold."""
    shots = [
        IclRow(id=str(n), label="World", example_text=text, context=text, seed_id="s")
        for n in range(3)
    ]
    prompt = render_prompt(AG, mode, "World", text, shots, style)
    whole = prompt if isinstance(prompt, str) else "\n\n".join(turn.content for turn in prompt)
    assert whole.count("Summary:") == 4
    headers = {"retricl": 4, "non-retricl": 1, "fewgen": 0}[mode]
    assert whole.count("News article:") == headers
    if style == "turns":
        assert whole.count("Human:") == (1 if mode == "non-retricl" else 4)


@settings(max_examples=60)
@given(st.text(max_size=80))
def test_any_text_renders(text):
    shots = [IclRow(id="1", label="World", example_text=text, context=text, seed_id="s")]
    assert render_prompt(AG, "retricl", "World", text, shots).count("Summary:") == 2
