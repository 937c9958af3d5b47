from tenpapers.testing import Journalled, check_journal


def test_the_study_keeps_the_promises_of_runs(tmp_path, small_data):
    study = Journalled(
        ["reproduce", "--data", small_data, "--draws", 10, "--seeds", 1, "--no-models"],
        ["results.json", "table.csv"],
        others=[
            (["--seed", "1"], "seed was 42 and is 1"),
            (["--draws", "11"], "draws was 10 and is 11"),
        ],
        kills=2,
    )
    check_journal("dcr", study, tmp_path)
