from tenpapers.testing import Journalled, check_journal, write_rows


def test_the_study_keeps_the_promises_of_runs(tmp_path):
    rows = [{"outputs": ["red car", "blue car"]}]
    write_rows(tmp_path / "data" / "LIMA-OE" / "outputs" / "m.jsonl", rows)
    words = ["reproduce", "--data", tmp_path / "data", "--no-semantic"]
    study = Journalled(words, ["results.json"], others=[(["--seed", "1"], "seed was 0")])
    check_journal("overton", study, tmp_path / "runs")
