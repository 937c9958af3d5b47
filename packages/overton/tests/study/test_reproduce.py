import json

from tenpapers.testing import command


def test_the_study_writes_its_files_and_judges_every_claim(tmp_path):
    command("overton", "reproduce", "--out", tmp_path)
    assert {"report.md", "table.csv", "results.json", "manifest.json"} <= {
        file.name for file in tmp_path.iterdir()
    }
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["texts"], results["mean_words"]) == (2, 2.5)
    assert all(claim["evidence"] for claim in results["claims"])
