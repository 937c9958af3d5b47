import csv
import json

import pytest
from tenpapers.paper import load_paper
from tenpapers.testing import command, fails, write_rows

from ..conftest import YES_AND_NO

TEXTS = {
    "llama-2-base": [["red car", "a fast bus"], ["blue sea", "old tree\n```"]],
    "llama-2-chat": [
        ["red car and a fast bus", "red car, fast bus"],
        ["blue sea tree", "blue sea"],
    ],
}


@pytest.fixture
def made_up(tmp_path):
    """A part of the published layout: two runs, one judge."""
    root = tmp_path / "data"
    for name, questions in TEXTS.items():
        rows = [
            {"metadata": {"instance_id": 3 * n}, "outputs": [{"generated_text": t} for t in texts]}
            for n, texts in enumerate(questions)
        ]
        write_rows(root / "LIMA-OE" / "outputs" / f"{name}.jsonl.gz", rows)
        stances = ("yes", "no") if name == "llama-2-base" else ("both", "both")
        rows = [
            {"metadata": {"instance_id": 0, "sample_index": n}, "stance": stance}
            for n, stance in enumerate(stances)
        ]
        file = root / "ConflictingQA" / "eval-stance" / f"{name}.parsed.jsonl.gz"
        write_rows(file, rows)
    return root


def test_verdicts_that_cannot_be_read_are_counted_and_told(made_up, tmp_path, capsys):
    file = made_up / "ConflictingQA" / "eval-stance" / "llama-2-icl.jsonl"
    rows = [
        {"metadata": {"instance_id": 0, "sample_index": n}, "outputs": [text]}
        for n, text in enumerate(('{"stance": "no"}', '{"stance": "n', '{"stance": "maybe"}'))
    ]
    write_rows(file, rows)
    out = tmp_path / "run"
    command("overton", "reproduce", "--data", made_up, "--no-semantic", "--out", out)
    results = json.loads((out / "results.json").read_text())
    wrong = {"stance:llama-2-icl": {"bad_json": 1, "out_of_range": 1}}
    assert results["unread_verdicts"] == wrong and results["stance"]["llama-2-icl"]["n"] == 1
    assert "stance:llama-2-icl: 1 bad_json, 1 out_of_range" in capsys.readouterr().out


def test_any_part_of_the_layout_gives_the_tree(made_up, tmp_path):
    out = tmp_path / "run"
    command("overton", "reproduce", "--data", made_up, "--no-semantic", "--out", out)
    results = json.loads((out / "results.json").read_text())
    assert results["stance"]["llama-2-base"] == YES_AND_NO
    assert results["lexical"]["LIMA-OE"]["llama-2-base"]["jaccard"] == 0.0
    assert results["coverage"]["LIMA-OE:llama-2-chat>llama-2-base"]["union_sizes"] == [2.0, 4.0]
    assert results["expected"] is None and results["quality"] == {}
    verdicts = {claim["id"]: claim["verdict"] for claim in results["claims"]}
    assert verdicts.keys() == {claim.id for claim in load_paper("overton").claims}
    assert verdicts["from-distributional-to-overton"] == "shown"
    assert verdicts["little-useful-is-lost"] == "not testable here"
    assert {file.name for file in out.iterdir()} >= {
        "report.md",
        "table.csv",
        "tables",
        "figures",
        "manifest.json",
    }
    with next((out / "tables").glob("*stances.csv")).open() as stream:
        assert [row["O: both"] for row in csv.DictReader(stream)] == ["0.0", "1.0"]
    assert "![" in (out / "report.md").read_text()
    assert "(figures/stances.png)" in (out / "report.md").read_text()


def test_values_that_do_not_come_out_are_named_and_end_with_code_3(made_up, tmp_path, caplog):
    expected = {"stance": {"llama-2-base": {"n": 2, "yes": 2}}}
    (made_up / "expected.json").write_text(json.dumps(expected))
    command(
        "overton", "reproduce", "--data", made_up, "--no-semantic", "--out", tmp_path / "r", code=3
    )
    results = json.loads((tmp_path / "r" / "results.json").read_text())
    assert results["expected"] == {"compared": 2, "agree": 1, "differ": ["stance/llama-2-base/yes"]}
    assert "stance/llama-2-base/yes: 2.0 expected, ours 1" in caplog.text


def test_a_folder_without_recorded_outputs_is_refused(tmp_path):
    fails(
        "overton",
        "reproduce",
        "--data",
        tmp_path,
        "--out",
        tmp_path / "run",
        told=["no published outputs in it", "overton analyse"],
    )


def test_cosines_may_be_of_fewer_questions(made_up, tmp_path):
    words = ["reproduce", "--data", made_up, "--semantic-questions", 1, "--no-cache"]
    command("overton", *words, "--out", tmp_path / "run")
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    ceiling = results["similarity_LIMA-OE"]["llama-2-chat<-llama-2-chat"]
    # of the first question alone: "red car and a fast bus" with "red car, fast bus"
    assert ceiling["pairs"] == 2 and 0.8 < ceiling["minilm_cos"] == ceiling["minilm_cos_max"]
    assert "Cosines: on 1 of LIMA-OE's questions" in (tmp_path / "run" / "report.md").read_text()
