import json

import pytest
from lofit.inputs.load_task import hold_out, load_task
from lofit.inputs.user_rows import read_own
from lofit.records import MultipleChoiceItem, PreferencePair, SFTExample
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

USER, ANSWER = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}
SYSTEM = {"role": "system", "content": "be kind"}


def chat(**more):
    return {"id": "1", "prompt": "hi", "messages": [USER], **more}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"prompt": "p", "completion": "c"}, {"id": "1", "prompt": "p", "completion": "c"}),
        (
            {"id": 7, "prompt": "p", "completion": "c", "answers": "c"},
            {"id": "7", "prompt": "p", "completion": "c", "answers": ["c"]},
        ),
        ({"messages": [USER, ANSWER]}, chat(completion="yes")),
        (
            {"messages": [SYSTEM, USER, ANSWER], "topic": "greeting"},
            chat(completion="yes", messages=[SYSTEM, USER], topic="greeting"),
        ),
        ({"prompt": [USER], "completion": [ANSWER]}, chat(completion="yes")),
        ({"custom_id": "a", "body": {"messages": [USER, ANSWER]}}, chat(id="a", completion="yes")),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}, ANSWER]},
            chat(completion="yes"),
        ),
    ],
)
def test_examples_come_in_the_usual_forms(row, expected, tmp_path):
    file = write_rows(tmp_path / "own.jsonl", [row])
    assert read_own(file) == [SFTExample.model_validate(expected)]


def test_pairs_and_questions_too(tmp_path):
    no = {"role": "assistant", "content": "no"}
    rows = [
        {"chosen": [USER, ANSWER], "rejected": [USER, no]},
        {"prompt": [USER], "chosen": [ANSWER], "rejected": [no]},
        {"id": "1", "prompt": "hi", "chosen": "yes", "rejected": "no"},
    ]
    with_turns = PreferencePair.model_validate(chat(chosen="yes", rejected="no"))
    plain = PreferencePair(id="1", prompt="hi", chosen="yes", rejected="no")
    for row, expected in zip(rows, (with_turns, with_turns, plain), strict=True):
        assert read_own(write_rows(tmp_path / "own.jsonl", [row])) == [expected]
    question = {"question": "Why?", "best_answer": "So", "correct_answers": ["So"]}
    file = write_rows(tmp_path / "own.jsonl", [question | {"incorrect_answers": ["No"]}])
    (found,) = read_own(file)
    assert isinstance(found, MultipleChoiceItem) and found.id == "1"
    with pytest.raises(UserError, match="can be evaluated, not trained on"):
        load_task("jsonl", file)
    (tmp_path / "own.json").write_text(json.dumps(rows))
    assert len(read_own(tmp_path / "own.json")) == 3


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            {"instruction": "do", "output": "done"},
            "own.jsonl:1: missing field 'prompt'; rename what it is called there (id, "
            "instruction, output)",
        ),
        ({"messages": [{"from": "human"}]}, "own.jsonl:1: messages: a turn has a role and content"),
        ({"messages": [USER]}, "missing field 'completion'"),
        ({"messages": [{"role": "user", "content": [{"image": "x"}]}]}, "only text can be read"),
        ([1], "own.jsonl:1: a JSON object is wanted"),
    ],
)
def test_a_refusal_names_the_row_and_what_to_rename(row, told, tmp_path):
    with pytest.raises(UserError) as error:
        read_own(write_rows(tmp_path / "own.jsonl", [row]))
    assert told.replace("(id, ", "(") in str(error.value)


def test_examples_that_are_held_out_are_not_trained_on(training_file):
    task = load_task("jsonl", training_file)
    rest, held = hold_out(task, 3, 42)
    assert (len(rest.train), len(held.train)) == (13, 3)
    assert {e.id for e in rest.train} | {e.id for e in held.train} == {e.id for e in task.train}
    assert hold_out(task, 3, 42)[1].train == held.train != hold_out(task, 3, 43)[1].train
    with pytest.raises(UserError, match="--val-size 16: the task has 16 training examples"):
        hold_out(task, 16, 42)
