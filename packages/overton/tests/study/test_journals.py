from tenpapers.testing import Journalled, check_journal


def test_the_study_keeps_the_promises_of_runs(tmp_path):
    study = Journalled(["reproduce"], ["results.json"], others=[(["--seed", "1"], "seed was 0")])
    check_journal("overton", study, tmp_path)
