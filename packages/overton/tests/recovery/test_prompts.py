from pathlib import Path

import pytest
from overton.recovery.demonstrations import demo_rows, load_demos, own_demos
from overton.recovery.methods import FENCE, METHODS, NEXT_QUERY
from overton.recovery.prompts import Demo, render_prompt
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

PLAIN = """\
# Instructions:

What follows are conversations between a person and you, an AI assistant.
Each thing that a person asks stands below "# Query:", and each of your replies below "# Answer:".
You help as well as you can: you are respectful and honest, and you keep people safe.
Build your answers well, go into detail, and write so that one likes to read on.
Never write anything harmful, unethical or illegal, whoever asks for it. Where a topic is \
controversial, you may decline to answer.

"""
SUMMARY_STEP = """\
Before each reply you say below "# Summary:", in two or three sentences, what it is going to tell; \
then you write it in full.
"""
TEA = Demo("Tea?", "Yes, please.", "Agrees to tea.")
MILK = Demo("Milk?", "No.\n\n- never", "Declines milk.")
TWO = """\
# Query:
```
Tea?
```

# Answer:
```
Yes, please.
```

# Query:
```
Milk?
```

# Answer:
```
No.

- never
```

"""
ONE_WITH_SUMMARY = """\
# Query:
```
Tea?
```

# Summary:
```
Agrees to tea.
```

# Answer:
```
Yes, please.
```

"""
ASKED = "# Query:\n```\nSugar?\n```\n\n"
OPENED = "# Answer:\n```\n"


def test_a_base_model_gets_the_query_alone():
    assert render_prompt("base", "Sugar?", []) == ASKED + OPENED


@pytest.mark.parametrize(
    "method", [name for name, way in METHODS.items() if name[:3] == "icl" and not way.with_summary]
)
def test_examples_stand_between_instructions_and_query(method):
    assert render_prompt(method, "Sugar?", [TEA, MILK]) == PLAIN + TWO + ASKED + OPENED


def test_a_hint_stands_before_the_opened_answer():
    hint = "# Summary:\n```\nOne lump.\n```\n\n"
    found = render_prompt("icl-summary", "Sugar?", [TEA], "One lump.")
    assert found == PLAIN + ONE_WITH_SUMMARY + ASKED + hint + OPENED


def test_a_model_that_summarises_first_is_told_so_and_gets_an_opened_summary():
    told = PLAIN.replace("You help", SUMMARY_STEP + "You help")
    found = render_prompt("icl-summary-cot", "Sugar?", [TEA])
    assert found == told + ONE_WITH_SUMMARY + ASKED + "# Summary:\n```\n"


def test_an_answer_is_continued_where_its_beginning_ends():
    found = render_prompt("continue", "Sugar?", [TEA], prefix="One lump, ")
    assert found.endswith(ASKED + OPENED + "One lump, ")


def test_another_aligned_model_expands_the_summary():
    found = render_prompt("aligned-from-summary", "Sugar?", [], "One lump.")
    assert "## Query\n\nSugar?\n" in found and "## Summary of the answer\n\nOne lump.\n" in found
    assert render_prompt("aligned", "Sugar?", []) == "Sugar?"


@pytest.mark.parametrize(
    "text",
    ["100 %s of {{ query }} {% if %} {0} \\n", "```python\nx\n```", "  blanks outside  ", "a\r\nb"],
)
def test_texts_come_out_as_they_are(text):
    demo = Demo(text, text, text)
    found = render_prompt("icl-summary", text, [demo], text)
    assert found.count(text) == 5
    assert render_prompt("base", text, []) == f"# Query:\n```\n{text}\n```\n\n# Answer:\n```\n"


def test_what_a_method_needs_is_asked_for():
    with pytest.raises(UserError, match="unknown; one of base, icl, icl-teacher"):
        render_prompt("zero-shot", "Sugar?", [])
    with pytest.raises(UserError, match="icl-summary: needs a summary of the answer"):
        render_prompt("icl-summary", "Sugar?", [TEA])
    with pytest.raises(UserError, match="an example has no summary"):
        render_prompt("icl-summary-cot", "Sugar?", [Demo("Tea?", "Yes.")])


def test_a_template_of_the_users_replaces_ours(tmp_path: Path):
    (tmp_path / "instructions.jinja").write_text("--- plain ---\nBe brief.\n")
    found = render_prompt("icl", "Sugar?", [], folder=tmp_path)
    assert found == "# Instructions:\n\nBe brief.\n\n" + ASKED + OPENED


def test_answers_stop_at_a_fence_and_summaries_at_a_made_up_query():
    stops = {name: method.stop for name, method in METHODS.items()}
    chats = {"aligned": (), "aligned-from-summary": ()}
    answers = dict.fromkeys(METHODS, (FENCE,))
    assert stops == answers | chats | {"icl-summary-cot": (NEXT_QUERY,)}


def test_methods_that_know_the_answer_are_called_oracles():
    oracles = {name for name, method in METHODS.items() if method.is_oracle}
    responses = {"icl-knn-response", "icl-knn-format"}
    assert oracles == responses | {"icl-summary", "aligned-from-summary"}


def test_our_demonstrations_are_three_with_summaries_and_come_back_from_a_file(tmp_path):
    demos = own_demos()
    assert len(demos) == 3 and all(demo.summary and "```" not in demo.response for demo in demos)
    file = write_rows(tmp_path / "demos.jsonl", demo_rows([*demos, Demo("a", "b")]))
    assert load_demos(file) == [*demos, Demo("a", "b")]
    write_rows(file, [{"query": "a"}])
    with pytest.raises(UserError, match=r"demos.jsonl:1: no demonstration; wanted: `query` and"):
        load_demos(file)
