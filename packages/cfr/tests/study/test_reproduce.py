import json

import pytest
from tenpapers.paper import load_paper
from tenpapers.testing import command, fails


def test_the_study_without_models_gives_every_row_and_pool(small, tmp_path):
    out = tmp_path / "run"
    command("cfr", "reproduce", *small, "--no-models", "--out", out)
    results = json.loads((out / "results.json").read_text())
    assert list(results["pools"]) == [
        "AV-400",
        "AV-400, answers only",
        "WiCE, own article",
        "WiCE, all windows",
    ]
    assert {"B1", "B4", "A1", "A3", "CFR", "C1"} >= results["pools"]["AV-400"].keys() - {
        "B1, then B4"
    }
    mrr = results["pools"]["AV-400"]["A1"]["mrr"]
    assert (len(mrr["seeds"]), mrr["n"]) == (2, 2)
    assert [one["steps"] for one in results["choice"]["AV-400"]["tried"]] == [2, 4]
    assert results["training"]["AV-400"]["A2"] == {"rows": 0, "positives": 0}
    verdicts = {one["id"]: one["verdict"] for one in results["claims"]}
    assert verdicts.keys() == {claim.id for claim in load_paper("cfr").claims}
    assert verdicts["veracity-gain"] == "not testable here"
    report = (out / "report.md").read_text()
    assert "## Table 1" in report and "(figure.png)" in report
    assert "against its control on each seed" in report
    # What is there is not done again.
    before = {file: file.stat().st_mtime_ns for file in (out / "stages").iterdir()}
    command("cfr", "reproduce", *small, "--no-models", "--out", out)
    assert before == {file: file.stat().st_mtime_ns for file in (out / "stages").iterdir()}


@pytest.fixture
def models(recorded):
    """A teacher that finds the first passage relevant, a reader and a judge."""
    grades = {"0:0": '{"1": 2, "2": 0}', "1:0": '{"1": 2, "2": 0}'}
    answers = {"6:0": "It was small and cheap.", "7:0": "Not answered."}
    verdicts = {"6": "LABEL: Refuted", "7": "LABEL: Refuted"}
    return [
        *("--teacher", recorded("teacher", **grades)),
        *("--reader", recorded("reader", **answers)),
        *("--judge", recorded("judge", **verdicts)),
    ]


def test_reader_and_judge_are_counted_and_the_teacher_held_against_gold(small, models, tmp_path):
    out = tmp_path / "run"
    command("cfr", "reproduce", *small, *models, "--out", out)
    results = json.loads((out / "results.json").read_text())
    assert results["teacher"]["judged"] == 4 and results["teacher"]["positive"] == 2
    assert results["training"]["AV-400"]["A2"] == {"rows": 2, "positives": 2}
    read = results["models"]
    assert set(read) == {"B4", "CFR", "V0", "V1"}
    assert (read["B4"]["questions"], read["B4"]["answered"]) == (2, 1)
    # The label of claim 6 is Refuted, that of claim 7 Supported.
    assert read["CFR"]["veracity"]["accuracy"] == 0.5
    assert read["CFR"]["scores"]["embed"]["7:0"] == 0


def test_a_folder_without_the_data_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    fails(
        "cfr",
        "reproduce",
        "--data",
        tmp_path / "data",
        "--out",
        tmp_path / "run",
        told=["averitec_dev_0_399.jsonl.gz is not in it", "cfr data fetch"],
    )
