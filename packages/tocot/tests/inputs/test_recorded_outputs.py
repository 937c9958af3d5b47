"""One question and its answer, as other programs write them: the same output."""

import json
import zipfile

import pytest
from tenpapers.errors import UserError
from tenpapers.testing import write_rows
from tocot.inputs.recorded_outputs import read_outputs

from ..conftest import command, fails

ASKED = {"id": 7, "question": "Which one hunts?", "gold": "B", "choices": ["a hen", "an owl"]}
CHOICE = {"message": {"role": "assistant", "content": "Answer: B"}, "finish_reason": "stop"}
SAMPLE = {
    "id": 7,
    "input": [{"role": "user", "content": [{"type": "text", "text": "Which one hunts?"}]}],
    "choices": ["a hen", "an owl"],
    "target": "B",
    "output": {
        "model": "m",
        "choices": [
            {
                "message": {
                    "role": "assistant",
                    "content": [
                        {"type": "reasoning", "reasoning": "A hen?"},
                        {"type": "text", "text": "Answer: B"},
                    ],
                },
                "stop_reason": "stop",
            }
        ],
    },
}
HELM = {
    "request_states": [
        {
            "instance": {
                "id": "7",
                "input": {"text": "Which one hunts?"},
                "references": [
                    {"output": {"text": "a hen"}, "tags": []},
                    {"output": {"text": "an owl"}, "tags": ["correct"]},
                ],
            },
            "output_mapping": {"A": "a hen", "B": "an owl"},
            "request": {"model": "m"},
            "result": {"completions": [{"text": "Answer: B", "finish_reason": {"reason": "stop"}}]},
        }
    ]
}
LINES = {
    "ours": ASKED | {"response": "Answer: B"},
    "a text": ASKED | {"text": "Answer: B"},
    "a completion": {**ASKED, "completion": "Answer: B"},
    "OpenAI batch": {
        "custom_id": "7",
        "response": {"status_code": 200, "body": {"choices": [CHOICE]}},
        **{name: ASKED[name] for name in ("question", "gold", "choices")},
    },
    "lm-evaluation-harness": {
        "doc_id": 7,
        "doc": {
            "question": "Which one hunts?",
            "choices": {"label": ["A", "B"], "text": ["a hen", "an owl"]},
        },
        "target": " an owl",
        "resps": [["Answer: B"]],
    },
}


def check(path):
    (row,) = read_outputs(path, task="quiz", setting="zero-shot CoT")
    found = (row.id, row.question, row.gold, row.response, row.setting, row.finish_reason)
    assert found[:5] == ("7", "Which one hunts?", "B", "Answer: B", "zs_cot")
    assert row.finish_reason in ("stop", "") and not row.errored
    assert (row.choices.label, row.choices.text) == (("A", "B"), ("a hen", "an owl"))


@pytest.mark.parametrize("row", LINES.values(), ids=LINES)
def test_lines_of_the_field(row, tmp_path):
    check(write_rows(tmp_path / "rows.jsonl", [row]))


def test_whole_files_of_the_field(tmp_path):
    head = {"task": "my/quiz", "model": "m"}
    log, packed, state = (tmp_path / name for name in ("log.json", "log.eval", "state.json"))
    log.write_text(json.dumps({"eval": head, "samples": [SAMPLE]}))
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("header.json", json.dumps({"eval": head}))
        archive.writestr("samples/7_epoch_1.json", json.dumps(SAMPLE))
    state.write_text(json.dumps(HELM))
    for path in (log, packed, state):
        check(path)
    assert read_outputs(log, setting="zs_cot")[0].task == "quiz"


def test_both_arms_from_a_harness_are_one_pair(tmp_path):
    rows = LINES["lm-evaluation-harness"] | {"model": "m", "seed_of_mine": 3}
    for setting, text in (("zs_direct", "A"), ("zs_cot", "It is an owl. Answer: B")):
        name = f"samples_quiz_2024-09-18T10-00-00.{setting}.jsonl"
        file = write_rows(tmp_path / name, [rows | {"resps": [[text]]}])
        command("score", file, "--setting", setting, "--out", tmp_path / setting)
    command("report", tmp_path / "zs_direct", tmp_path / "zs_cot", "--out", tmp_path / "r")
    (cell,) = json.loads((tmp_path / "r" / "results.json").read_text())["tasks"].items()
    assert cell[0] == "m:zs/quiz" and (cell[1]["direct"], cell[1]["cot"]) == (0, 100)
    assert '"seed_of_mine": 3' in (tmp_path / "zs_cot" / "graded.jsonl").read_text()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (LINES["ours"], "rows.jsonl:1: no task in it"),
        (LINES["ours"] | {"task": "quiz"}, "rows.jsonl:1: no setting in it"),
        ({"doc_id": 1, "resps": [[[-1.2, False]]]}, "neither an Output nor a Replay record"),
        ({"doc_id": 1, "resps": [["a", "b"]]}, "2 answers"),
        ({"custom_id": 7, "error": {"message": "expired"}, "task": "quiz"}, "no setting"),
    ],
)
def test_what_is_missing_is_named(row, told, tmp_path):
    fails("score", write_rows(tmp_path / "rows.jsonl", [row]), "--out", tmp_path / "o", told=[told])


def test_a_request_that_failed_is_no_wrong_answer(tmp_path):
    row = {"custom_id": "7", "response": None, "error": {"message": "expired"}}
    (found,) = read_outputs(write_rows(tmp_path / "b.jsonl", [row]), task="t", setting="cot")
    assert found.errored and found.response is None and "expired" in found.finish_reason


def test_a_log_that_is_damaged_is_told(tmp_path):
    (tmp_path / "log.eval").write_bytes(b"no archive")
    with pytest.raises(UserError, match="not read as an Inspect log"):
        read_outputs(tmp_path / "log.eval")
