"""Commands about heads: refused, undefined."""

import json

from retrievalheads.cli.main import app
from retrievalheads.heads.score_files import HeadScores, export_wu
from retrievalheads.study.settings import toy_checkpoint
from tenpapers.testing import command, process

from ..conftest import in_process, scores_of, toy_spec, wrong


def test_bad_data_is_told_with_file_and_line(world, tmp_path):
    good = (world / "lh/dev.jsonl").read_text().splitlines()
    row = json.loads(good[0])

    def detect(*lines):
        file = tmp_path / "d.jsonl"
        file.write_text("\n".join(lines) + "\n")
        return wrong("detect", "--data", file, "--out", tmp_path / "s.json")

    assert "d.jsonl:2: missing field 'prompt'" in detect(
        good[0], json.dumps({k: v for k, v in row.items() if k != "prompt"})
    )
    assert "d.jsonl:2: not JSON" in detect(good[0], "{broken")
    far = row | {"needles": [row["needles"][0] | {"end": 10**6}]}
    assert row["id"] in detect(json.dumps(far)) and "outside the prompt" in detect(json.dumps(far))
    moved = row | {"needles": [row["needles"][0] | {"start": 0, "end": 3}]}
    assert "is " in detect(json.dumps(moved)) and "not '" in detect(json.dumps(moved))
    assert "no examples" in detect("")
    assert "n_tokens" in detect(json.dumps(row | {"n_tokens": "many"}))
    line = ("detect", "--data", tmp_path / "no.jsonl", "--out", tmp_path / "s.json")
    assert "no such file" in wrong(*line)


def test_a_mistake_ends_the_process_with_one_line_and_exit_code_2(tmp_path):
    """By a command that loads no model library before it looks at its input."""
    line = ("correlate", "--runs", tmp_path / "no.jsonl", "--out", tmp_path / "c.png")
    done = process("retrievalheads", *line)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == f"error: {tmp_path}/no.jsonl: no such file"


def test_bad_options_are_told(world, tmp_path):
    test = world / "lh/test.jsonl"
    spec = toy_spec()
    out = tmp_path / "o"
    common = ["--model", spec, "--data", test, "--out", out]
    assert "vLLM's heads" in wrong("evaluate", *common, "--engine", "vllm", "--knockout", "1-1")
    assert "4 x 8 heads" in wrong("evaluate", *common, "--knockout", "9-1")
    assert "not a head" in wrong("evaluate", *common, "--knockout", "nine")
    assert "the model reads 64" in wrong("detect", *common)
    for option, choices in (
        ("probe", ("copy", "insight")),
        ("mode", ("teacher", "generate")),
        ("needles", ("last-hop", "all-hops")),
        ("score", ("mean", "wu-code", "wu-set")),
    ):
        told = wrong("detect", *common, f"--{option}", "other")
        assert f"--{option}" in told and "'other'" in told
        assert all(choice in told for choice in choices)
    extended = ["--rope", "ntk", "--context-tokens", 128, "--out", tmp_path / "s.json"]
    assert "SummHay" in wrong("detect", *common, "--probe", "insight", *extended)
    assert "unknown model" in wrong("detect", "--model", "nope", "--data", test, "--out", out)
    prompts = "test.jsonl: example 0: 124 tokens, the model reads 64"
    far = wrong("attention-map", *common, "--heads", "1-1", "--out", tmp_path / "m.png")
    assert prompts in far
    build = ("build-data", "--task", "mdqa", "--source", test, "--out", out)
    told = wrong(*build, "--variant", "other")
    assert "--variant" in told and "'other'" in told and "real-limited" in told
    assert "task" in wrong("build-data", "--variant", "hh", "--source", test, "--out", out)
    assert "--context-tokens is 64" in wrong(
        "train", "--model", spec, "--data", test, "--out", out, "--context-tokens", 64
    )
    assert "exclude each other" in wrong(
        "compare", "--ref", test, "--other", test, "--top-k", 3, "--nonzero"
    )
    assert "not a list of whole numbers" in wrong(
        "niah", "--model", spec, "--out", out, "--lengths", "a,b"
    )
    scores = tmp_path / "s.json"
    scores.write_text("{}")
    assert "not a head-score file" in wrong("compare", "--ref", scores, "--other", scores)
    needles = tmp_path / "n.jsonl"
    needles.write_text('{"needle": "a b", "question": "?", "answer": "c"}\n')
    assert "n.jsonl:1" in wrong("niah", "--model", spec, "--out", out, "--needles", needles)
    haystack = tmp_path / "h.txt"
    haystack.write_text("Too short.")
    assert "tokens of haystack are wanted" in wrong(
        "niah", "--model", spec, "--out", out, "--haystack", haystack
    )


def test_a_folder_is_a_model(world, tmp_path, capsys):
    """By its path alone, as by a spec."""
    out = tmp_path / "s.json"
    line = ["detect", "--data", world / "lh/dev.jsonl", "--limit", 2, "--rope", "ntk"]
    line += ["--context-tokens", 128, "--json"]
    found = [
        in_process(capsys, *line, "--model", model, "--out", out, "--overwrite")
        for model in (toy_checkpoint(), toy_spec())
    ]
    assert found[0] == found[1] and json.loads(found[0])["n_used"] == 2


def test_niah_without_success_is_exit_3(tmp_path, capsys, reader):
    """The message has the success rate."""
    out = tmp_path / "s.json"
    arguments = ["niah", "--model", f"hf:{reader}", "--lengths", "800", "--depths", "2"]
    assert app([*arguments, "--out", str(out)], standalone_mode=False) == 3
    told = capsys.readouterr().err
    assert "success rate 0 of 6" in told and "best ROUGE" in told
    assert not out.exists()


def test_niah_on_smollm2(tmp_path, capsys):
    """End to end on the embedded model."""
    out = tmp_path / "niah.json"
    text = in_process(capsys, "niah", "--lengths", 260, "--depths", 2, "--out", out, "--json")
    assert json.loads(text)["success_rate"] > 0
    content = json.loads(out.read_text())
    assert content["n_used"] + sum(content["n_skipped"].values()) == 6
    assert content["ranked"][0][2] > 0.1
    assert content["options"]["score"] == "wu-code"  # the score of which 0.1 was published


def test_exit_3_where_the_reference_has_no_head(tmp_path, capsys):
    scores_of([[0.0, 0.0]]).save(tmp_path / "zero.json")
    scores_of([[0.5, 0.0]]).save(tmp_path / "some.json")
    pair = ("--ref", tmp_path / "zero.json", "--other", tmp_path / "some.json")
    command("retrievalheads", "compare", *pair, "--json", code=3)
    told = capsys.readouterr()
    assert json.loads(told.out)["recall"] is None
    assert "0.1" in told.err and "largest score is 0.0000" in told.err


def test_scores_above_one_are_accepted_and_counted(tmp_path, capsys):
    file = tmp_path / "f.json"
    file.write_text('{"0-0": [1.789, 0.5], "0-1": [0, 0]}')
    text = in_process(capsys, "import-wu", file, "--out", tmp_path / "o.json")
    assert "1 scores of single trials are above 1" in text
    export_wu(HeadScores.load(tmp_path / "o.json"), tmp_path / "back.json")
    assert json.loads((tmp_path / "back.json").read_text()) == json.loads(file.read_text())
