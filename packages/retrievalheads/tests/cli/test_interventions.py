"""Commands that intervene: refused."""

from ..conftest import toy_spec, wrong


def test_scores_of_another_shape_and_pools_that_are_too_small(world, tmp_path):
    import torch
    from retrievalheads.heads.score_files import HeadScores

    scores = HeadScores("m", "copy", "teacher", torch.rand(1, 5, 5), ids=["a"])
    scores.save(tmp_path / "s.json")
    common = [
        "--model",
        toy_spec(),
        "--data",
        world / "lh/test.jsonl",
        "--scores",
        tmp_path / "s.json",
        "--out",
        tmp_path / "o",
    ]
    assert "5 x 5 heads, the model has 4 x 8" in wrong(
        "knockout", *common, "--k", "0,1", "--threshold", 2
    )
    assert "the pool has" in wrong("knockout", *common, "--k", "20", "--threshold", 2)
    scores.per_example = torch.rand(1, 4, 8)
    scores.save(tmp_path / "s.json")
    line = ("knockout", *common, "--k", "0,1", "--threshold", 2)
    assert "test.jsonl: 127 tokens, the model reads 64" in wrong(*line)
    assert "k = 40" in wrong("knockout", *common, "--k", "40", "--threshold", 2)
