import pytest
from dcr.scoring.evaluate import evaluate
from dcr.scoring.settings import EvaluateSettings
from dcr.study.compare_runs import compare_runs
from tenpapers.errors import UserError
from tenpapers.testing import write_rows


def scored(folder, name, refined, judged):
    """A run of one response that a recorded judge scored."""
    row = {"id": "a", "document": "May.", "response": "It was June.", "refined": refined}
    said = [
        {"id": f"a|likert|{side}", "text": f"The final score is {score}"}
        for side, score in zip(("original", "refined"), judged, strict=True)
    ]
    judge = f"replay:{write_rows(folder / f'{name}-said.jsonl', said)}"
    settings = EvaluateSettings(
        write_rows(folder / f"{name}.jsonl", [row]), metrics="edits,likert", judge=judge
    )
    evaluate(settings, folder / name)
    return folder / name


def test_runs_stand_beside_each_other_with_a_figure(tmp_path):
    runs = [
        scored(tmp_path, "one", "It was May.", (2, 5)),
        scored(tmp_path, "two", "It is not said.", (2, 3)),
    ]
    values, _ = compare_runs(runs, tmp_path / "out")
    assert values["runs"]["one"]["metrics"]["likert"]["delta"] == 3
    table = (tmp_path / "out" / "table.csv").read_text().splitlines()
    assert [line.split(",")[:3] for line in table[1:]] == [["one", "1", "3.0"], ["two", "1", "1.0"]]
    assert (tmp_path / "out" / "figure.png").stat().st_size > 5000
    assert "![" in (tmp_path / "out" / "report.md").read_text()


def test_a_folder_without_scores_is_told(tmp_path):
    with pytest.raises(UserError, match="dcr evaluate"):
        compare_runs([tmp_path], tmp_path / "out")
