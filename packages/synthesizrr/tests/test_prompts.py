import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesizrr.inputs.task import load_task, task_names
from synthesizrr.inversion.prompts import render_prompt, stop_sequences
from synthesizrr.inversion.shots import draw_shots, group_shots
from synthesizrr.records import IclRow, InputRow
from tenpapers.errors import UserError

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
    """Check 16: as many answer prefixes as blocks, whatever the texts hold."""
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


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_text_renders(text):
    shots = [IclRow(id="1", label="World", example_text=text, context=text, seed_id="s")]
    assert render_prompt(AG, "retricl", "World", text, shots).count("Summary:") == 2


def test_every_task_asks_for_its_label():
    assert len(task_names()) == 8
    sizes = {name: len(load_task(name).labels) for name in task_names()}
    assert sizes == {
        "ag_news": 4,
        "category": 23,
        "humor": 2,
        "hyperpartisan": 2,
        "imdb": 2,
        "polarity": 2,
        "sst2": 2,
        "toi_headlines": 10,
    }
    for name in task_names():
        task = load_task(name)
        for label, words in task.labels.items():
            for document in (True, False):
                ask = task.ask(label, document=document)
                assert words in ask and task.answer_prefix not in ask
                assert ("above" in ask) == document
        assert len(task.openings) == 2
        assert task.document_header in stop_sequences(task)[0]


def test_a_task_of_your_own(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\nlabels: {a: good, b: bad}\ndocument_header: 'Doc:'\nanswer_prefix: 'Out:'\n"
        "instruction: 'Tell what is {{ label }} above.'\nfewgen_instruction: 'Be {{ label }}.'\n"
    )
    assert load_task(str(file)).ask("b", document=True) == "Tell what is bad above."
    file.write_text("name: mine\n")
    with pytest.raises(UserError, match="mine.yaml"):
        load_task(str(file))
    with pytest.raises(UserError, match="task nope: unknown"):
        load_task("nope")


def rows(*names, label="World"):
    return [InputRow(id=name, label=label, context="c") for name in names]


POOL = [shot(n) for n in range(6)] + [shot(n, "Sports") for n in range(10, 16)]


def test_shots_depend_on_the_input_alone():
    """Check 17: whatever order and company the inputs have."""
    inputs = rows("a", "b", "c", "d")
    first = group_shots(inputs, POOL, 3, None, seed=1)
    again = group_shots(inputs[::-1][:3], POOL[::-1], 3, None, seed=1)
    for name, chosen in again.items():
        assert [one.id for one in chosen] == [one.id for one in first[name]]
    assert all(one.label == "World" for chosen in first.values() for one in chosen)
    assert all(len({one.id for one in chosen}) == 3 for chosen in first.values())
    assert group_shots(inputs, POOL, 3, None, seed=2) != first


def test_an_input_is_never_its_own_shot():
    for name in ("i0", "i3"):
        chosen = draw_shots(rows(name)[0], {"World": POOL[:6]}, 5)
        assert len(chosen) == 5 and name not in [one.id for one in chosen]
    with pytest.raises(UserError, match="6 shots > pool"):
        draw_shots(rows("i0")[0], {"World": POOL[:6]}, 6)
    with pytest.raises(UserError, match="1 shots > pool: label 'Weather'"):
        draw_shots(rows("x", label="Weather")[0], {}, 1)


def test_groups_share_their_shots():
    inputs = rows(*(f"r{n}" for n in range(8))) + rows("q", label="Sports")
    chosen = group_shots(inputs, POOL, 2, 2)
    sets = {tuple(one.id for one in chosen[f"r{n}"]) for n in range(8)}
    assert len(sets) == 2
    assert {one.label for one in chosen["q"]} == {"Sports"}
    assert all(len(one) == 0 for one in group_shots(inputs, [], 0, 2).values())
