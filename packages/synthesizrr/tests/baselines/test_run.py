from synthesizrr.baselines.run import generate_baseline

from ..conftest import fails
from .conftest import counts, made


def test_fewgen_shows_seeds_and_no_document(run):
    one = run("fewgen")
    generate_baseline(one)
    assert counts(one) == {2}
    labels = {seed.id: seed.label for seed in one.seeds}
    for row in made(one):
        assert row.context is None and row.shots_used == 1
        assert labels[row.icl_ids[0]] == row.label


def test_simprompt_has_no_shots(run):
    one = run("simprompt")
    generate_baseline(one)
    assert counts(one) == {2} and {row.shots_used for row in made(one)} == {0}


def test_unknown_methods(tmp_path, news):
    seeds, out = news / "train.jsonl", tmp_path / "g.jsonl"
    arguments = ["fewgen", seeds, "--task", "ag_news", "--out", out]
    fails(*arguments, "--method", "gan", told=["--method", "gan"])
    fails(*arguments, "--method", "regen", told=["pass --emb"])
