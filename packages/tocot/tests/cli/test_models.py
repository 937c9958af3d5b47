import json

from tenpapers.testing import read_rows, write_rows

from ..conftest import ask, command, fails, item

ITEM = {
    "id": "1",
    "task": "csqa",
    "question": "q?",
    "answer_kind": "letter",
    "gold": "A",
    "choices": {"label": ["A", "B"], "text": ["x", "y"]},
}


def test_build_renders_without_a_model(tmp_path):
    items = write_rows(tmp_path / "i.jsonl", [ITEM])
    given = ["--task", "csqa", "--setting", "zs_direct,zs_cot", "--data", items]
    command("build", *given, "--out", tmp_path / "p.jsonl")
    rows = read_rows(tmp_path / "p.jsonl")
    assert [row["setting"] for row in rows] == ["zs_direct", "zs_cot"]
    assert "q?" in rows[0]["messages"][-1]["content"]


def test_a_file_of_settings_gives_what_options_give(tmp_path):
    items = write_rows(tmp_path / "i.jsonl", [ITEM, ITEM | {"id": "2"}])
    config = tmp_path / "build.yaml"
    config.write_text(f"tasks: csqa\nstyle: prefill\ndata: {items}\nn: 1\n")
    command("build", "--config", config, "--out", tmp_path / "p.jsonl")
    direct, cot = read_rows(tmp_path / "p.jsonl")
    assert (direct["prefill"], cot["prefill"]) == ("Answer: ", "")
    command("build", "--config", config, "-n", 2, "--out", tmp_path / "p.jsonl")
    assert len(read_rows(tmp_path / "p.jsonl")) == 4


def test_run_writes_outputs_that_score_reads(tmp_path, capsys):
    items = write_rows(tmp_path / "i.jsonl", [ITEM])
    given = ["--tasks", "csqa", "--data", items, "--budgets", "6,8", "--no-cache"]
    command("run", *given, "--out", tmp_path / "o", "--json")
    printed = json.loads(capsys.readouterr().out)
    command("score", tmp_path / "o", "--out", tmp_path / "s")
    found = json.loads((tmp_path / "s" / "results.json").read_text())
    assert found["tasks"] == printed["tasks"] and "smollm2:zs/csqa" in found["tasks"]


def test_bad_input_is_told_before_a_model_is_loaded(tmp_path):
    out = ["--model", "hf:/no/such/folder", "--out", tmp_path / "o"]
    fails("run", "--tasks", "quiz", *out, told=["task quiz: unknown", "csqa"])
    fails("run", *out, told=["which tasks?"])
    fails("run", "--tasks", "csqa", "--style", "loud", *out, told=["'loud' is not one of"])
    fails("run", "--tasks", "csqa", "--budgets", "6", *out, told=["not two whole numbers"])
    fails("plan", "--task", "gsm8k", *out, told=["runs model-written code", "--allow-code"])
    items = write_rows(tmp_path / "i.jsonl", [ITEM])
    build = ["build", "--task", "csqa", "--setting", "warm", "--data", items, *out[2:]]
    fails(*build, told=["setting warm: unknown"])


def test_recordings_are_graded_without_a_model(tmp_path):
    recorded = write_rows(
        tmp_path / "said.jsonl",
        [
            {"id": "zs_direct|i1", "text": "Answer: B"},
            {"id": "zs_cot|i1", "text": "Red is right.\nAnswer: A", "n_output_tokens": 9},
            {"id": "zs_direct|i2", "text": "Answer: A"},
        ],
    )
    rows = ask(f"replay:{recorded}", [item(1), item(2)], tmp_path, code=3)
    assert [rows["zs_direct", name]["correct"] for name in ("i1", "i2")] == [False, True]
    assert rows["zs_cot", "i1"]["correct"] and rows["zs_cot", "i1"]["new_tokens"] == 9
    missing = rows["zs_cot", "i2"]
    assert missing["errored"] and missing["response"] is None
    assert missing["finish_reason"] == "error: not recorded"
    with recorded.open("a") as stream:
        stream.write('{"id": "zs_cot|i2", "text": "Blue.\\nAnswer: B"}\n')
    again = ask(f"replay:{recorded}", [item(1), item(2)], tmp_path, "--overwrite")
    assert len(again) == 4 and again["zs_cot", "i2"]["answer"] == "B"
