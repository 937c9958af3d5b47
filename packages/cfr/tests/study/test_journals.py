from tenpapers.testing import Journalled, check_journal


def test_the_study_keeps_the_promises_of_runs(small, tmp_path):
    words = ["reproduce", *small, "--no-models"]
    study = Journalled(words, ["results.json"], others=[(["--seed", "1"], "seed was 0")])
    check_journal("cfr", study, tmp_path / "runs")
