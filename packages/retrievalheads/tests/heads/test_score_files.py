"""Head-score files, ours and Wu et al.'s."""

import json

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
