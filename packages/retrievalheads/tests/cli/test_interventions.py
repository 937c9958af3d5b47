"""Commands that intervene: resumed and refused."""

import json

from retrievalheads.cli.main import app

from ..conftest import in_process, kill_after, toy_spec, wrong


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
    assert "5 x 5 heads, the model has 3 x 4" in wrong(
        "knockout", *common, "--k", "0,1", "--threshold", 2
    )
    assert "the pool has" in wrong("knockout", *common, "--k", "20", "--threshold", 2)
    assert "k = 30" in wrong("knockout", *common, "--k", "30")


def test_a_killed_knockout_goes_on_and_gives_the_same(world, tmp_path, capsys, monkeypatch):
    import retrievalheads.interventions.knockout_sweep as module
    import torch
    from retrievalheads.heads.score_files import HeadScores

    scores = HeadScores("m", "copy", "teacher", torch.rand(1, 3, 4), ids=["a"])
    scores.save(tmp_path / "s.json")
    common = [
        "knockout",
        "--model",
        toy_spec(),
        "--data",
        world / "lh/test.jsonl",
        "--scores",
        tmp_path / "s.json",
        "--threshold",
        2,
        "--k",
        "0,2",
        "--control-seeds",
        0,
        "--scope",
        "decode",
    ]
    in_process(capsys, *common, "--out", tmp_path / "whole")
    arguments = [str(word) for word in [*common, "--out", tmp_path / "part"]]
    with monkeypatch.context() as patched:
        kill_after(patched, module, "encode_prompt", 4)
        assert app(arguments, standalone_mode=False) == 130
    assert not (tmp_path / "part/knockout.json").exists()
    assert "other settings" in wrong(*arguments, "--resume", "--kind", "uniform")
    calls = kill_after(monkeypatch, module, "encode_prompt", 99)
    in_process(capsys, *arguments, "--resume")
    assert len(calls) == 6
    a, b = (
        json.loads((tmp_path / name / "knockout.json").read_text()) for name in ("whole", "part")
    )
    assert a == b and a["n"] == 10 and not list((tmp_path / "part").glob("*.partial*"))
