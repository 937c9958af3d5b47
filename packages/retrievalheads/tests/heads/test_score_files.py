"""Head-score files, ours and Wu et al.'s."""

import json
import math

import pytest
import torch
from retrievalheads.heads.score_files import HeadScores, export_wu, import_wu
from tenpapers.errors import UserError


def test_scores_survive_saving(tmp_path):
    scores = HeadScores(
        "m",
        "copy",
        "teacher",
        torch.rand(3, 2, 4),
        ids=["a", "b", "c"],
        skipped={"empty answer": 1},
    )
    scores.save(tmp_path / "s.json")
    back = HeadScores.load(tmp_path / "s.json")
    assert torch.equal(back.per_example, scores.per_example)
    assert back.ids == ["a", "b", "c"] and back.skipped == {"empty answer": 1}
    content = json.loads((tmp_path / "s.json").read_text())
    assert content["schema"] == "retrievalheads/1" and content["n_used"] == 3
    (tmp_path / "s.npz").unlink()
    alone = HeadScores.load(tmp_path / "s.json")
    assert torch.allclose(alone.mean, scores.mean) and not alone.complete
    with pytest.raises(UserError, match="npz"):
        export_wu(alone, tmp_path / "w.json")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"0-0": [1, 2]', "not JSON"),
        ('{"0-0": [1], "0-1": [1, 2]}', "trials"),
        ('{"0-0": [NaN]}', "finite"),
        ('{"zero-0": [1]}', "layer-head"),
        ('{"0-0": [1], "1-1": [1]}', "2 heads"),
        ("[]", "layer-head"),
    ],
)
def test_broken_published_files_are_told(text, told, tmp_path):
    file = tmp_path / "f.json"
    file.write_text(text)
    with pytest.raises(UserError, match=told):
        import_wu(file)


def test_standard_error_and_split_half_recall_by_hand():
    """Head 0: 0.1, 0.4, 0.4; head 1: 0.2, 0.4, 0.6. Odd examples against the even ones at 0.3."""
    values = torch.tensor([[[0.1, 0.2]], [[0.4, 0.4]], [[0.4, 0.6]]], dtype=torch.float64)
    scores = HeadScores("m", "copy", "teacher", values, ids=["a", "b", "c"])
    assert scores.mean.tolist()[0] == pytest.approx([0.3, 0.4])
    assert scores.sem.tolist()[0] == pytest.approx([0.1, 0.2 / 3**0.5])
    # Both pass among the odd; of the even means 0.25 and 0.4 only the second does.
    assert scores.split_half_recall(0.3) == pytest.approx(0.5)
    assert math.isnan(scores.split_half_recall(0.7))
