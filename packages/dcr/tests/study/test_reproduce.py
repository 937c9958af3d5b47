import csv
import json

import pytest
from tenpapers.testing import command, fails, tiny_checkpoint


@pytest.fixture(scope="module")
def written(tmp_path_factory, small_data):
    """A whole study on a few sentences, with a small random model."""
    folder = tmp_path_factory.mktemp("study")
    model = f"hf:{tiny_checkpoint(folder / 'model', num_hidden_layers=1)}"
    words = ["reproduce", "--data", small_data, "--draws", 20, "--instances", 2]
    command("dcr", *words, "--critic", model, "--refiner", model, "--out", folder / "out")
    return folder / "out"


def test_the_study_writes_its_files_and_judges_every_claim(written):
    names = {file.name for file in written.iterdir()}
    assert names >= {"report.md", "table.csv", "results.json", "manifest.json", "figure.png"}
    results = json.loads((written / "results.json").read_text())
    assert all(claim["evidence"] for claim in results["claims"])
    assert len(results["claims"]) == 5 and len(results["seeds"]) == 2
    report = (written / "report.md").read_text()
    for part in ("Known errors in real sentences", "figure.png", "only runs the path"):
        assert part in report


def test_all_four_recipes_ran_with_the_model_and_their_ends_are_counted(written):
    results = json.loads((written / "results.json").read_text())
    assert list(results["models"]) == ["direct", "feed_refine", "detect_refine", "dcr"]
    for summary in results["models"].values():
        assert summary["n"] == 2 and summary["failed"] == 0
        assert summary["counts"].keys() >= {"rejected", "critiques_unparsed", "n_empty"}
    assert results["models"]["feed_refine"]["counts"]["critiques"] >= 4


def test_the_main_table_has_the_recipes_and_their_controls(written):
    with (written / "table.csv").open() as stream:
        rows = {row["recipe"]: row for row in csv.DictReader(stream)}
    assert float(rows["no refinement"]["balance"]) == 0.5
    assert float(rows["DCR, oracle detector and critic"]["balance"]) == 1.0
    assert {"Feed+Refine", "DCR", "Detect, random edit", "Detect, drop what is flagged"} <= set(
        rows
    )


def test_the_same_seed_gives_the_same_bytes(written, small_data, tmp_path):
    words = ["reproduce", "--data", small_data, "--draws", 20, "--no-models"]
    command("dcr", *words, "--out", tmp_path / "again")
    tables = sorted((tmp_path / "again" / "tables").glob("*.csv"))
    same = [table for table in tables if "claims" not in table.name]  # those speak of the models
    assert len(same) >= 4
    for table in same:
        assert table.read_bytes() == (written / "tables" / table.name).read_bytes()


def test_a_folder_without_the_data_is_told(tmp_path):
    fails("dcr", "reproduce", "--data", tmp_path, "--out", tmp_path / "out", told=["data fetch"])
