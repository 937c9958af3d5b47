"""Head scores, their files and their comparison (checks 1, 2, 3, 8, 14, 19)."""

import gzip
import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from retrievalheads.heads.overlap import compare, compare_files, cosine
from retrievalheads.heads.retrieval_score import score
from retrievalheads.heads.score_files import HeadScores, export_wu, head_set, import_wu, ranked
from retrievalheads.scoring.rank_correlation import correlate, pooled, spearman
from tenpapers.errors import UserError

from .conftest import in_process

PUBLISHED = {
    "llama-2-7b-80k": (
        586,
        33,
        305,
        6,
        12,
        [
            (16, 19, 0.9426),
            (11, 15, 0.9201),
            (8, 26, 0.7995),
            (6, 9, 0.6178),
            (7, 12, 0.6135),
            (17, 22, 0.5574),
            (11, 2, 0.4586),
            (6, 16, 0.4367),
            (19, 15, 0.4201),
            (21, 30, 0.4000),
        ],
    ),
    "Mistral-7B-v0.2-hf": (362, 43, 358, 5, 31, [(18, 0, 0.9427), (12, 7, 0.9277)]),
    "Yi-6B-200K": (567, 53, 518, 7, None, [(17, 2, 0.7780)]),
}


@pytest.mark.acceptance
@pytest.mark.parametrize("name", PUBLISHED)
def test_checks_1_and_2_published_scores(name, data, tmp_path, capsys):
    """Counts and order of Wu et al.'s files, through the command line."""
    trials, at_01, over_0, at_05, always, best = PUBLISHED[name]
    out = tmp_path / "scores.json"
    in_process(capsys, "import-wu", data / f"head_scores_{name}.json.gz", "--out", out)
    scores = HeadScores.load(out)
    assert (scores.n_layers, scores.n_heads) == (32, 32)
    assert len(scores.per_example) == trials
    mean = scores.mean
    assert [int((mean >= 0.1).sum()), int((mean > 0).sum()), int((mean >= 0.5).sum())] == [
        at_01,
        over_0,
        at_05,
    ]
    if always is not None:
        assert int((scores.per_example > 0).all(0).sum()) == always
    written = json.loads(out.read_text())["ranked"]
    for (layer, head, value), entry in zip(best, written, strict=False):
        assert entry[:2] == [layer, head]
        assert entry[2] == pytest.approx(value, abs=5e-5)


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("name", "n_other", "n_ref", "recall", "jaccard", "cos"),
    [
        ("llama-2-7b-80k", 34, 37, 0.864865, 0.820513, 0.998176),
        ("Mistral-7B-v0.2-hf", 44, 38, 1.0, 0.863636, 0.999562),
        ("Yi-6B-200K", 53, 52, 1.0, 0.981132, 0.999323),
    ],
)
def test_check_3_split_halves(name, n_other, n_ref, recall, jaccard, cos, data, tmp_path, capsys):
    """Even trials against odd ones; and the exported file is the imported one."""
    source = data / f"head_scores_{name}.json.gz"
    for trials in ("even", "odd", "all"):
        in_process(
            capsys, "import-wu", source, "--trials", trials, "--out", tmp_path / f"{trials}.json"
        )
    text = in_process(
        capsys,
        "compare",
        "--ref",
        tmp_path / "odd.json",
        "--other",
        tmp_path / "even.json",
        "--threshold",
        "0.1",
        "--json",
    )
    found = json.loads(text)
    assert (found["n_other"], found["n_ref"]) == (n_other, n_ref)
    assert found["recall"] == pytest.approx(recall, abs=1e-6)
    assert found["jaccard"] == pytest.approx(jaccard, abs=1e-6)
    assert found["cosine"] == pytest.approx(cos, abs=1e-6)
    assert {"n_both", "precision", "spearman"} <= set(found)
    in_process(capsys, "export-wu", tmp_path / "all.json", "--out", tmp_path / "back.json")
    with gzip.open(source, "rt") as stream:
        assert json.loads((tmp_path / "back.json").read_text()) == json.load(stream)


def scores_of(values, model="m"):
    return HeadScores(model, "copy", "teacher", torch.tensor(values)[None], ids=["a"])


def test_public_names_are_functions_and_not_modules():
    """No module has the name of a public function: the import system would put it in its place."""
    import subprocess
    import sys

    import retrievalheads

    names = ", ".join(retrievalheads.__all__)
    code = f"from retrievalheads import {names}; print(all(map(callable, ({names}))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_check_8_hand_written_trace():
    """A head that copies a needle twice, one that attends to a wrong token, one on the sink."""
    ids = torch.tensor([1, 2, 3, 4, 99, 5, 6, 7, 8, 9, 11])
    answer = torch.tensor([5, 6, 7, 8, 9, 5, 6, 7, 8, 9])
    needle = torch.arange(5, 10)
    right = torch.tensor([5, 6, 7, 8, 9] * 2)
    shifted = torch.tensor([6, 7, 8, 9, 5] * 2)  # inside the needle, another token
    places = torch.stack([right, shifted, torch.zeros(10, dtype=torch.long)])[None].int()
    told = {
        kind: score(places, ids, answer, [needle] * 10, kind=kind)[0].tolist()
        for kind in ("mean", "wu-code", "wu-set")
    }
    assert told == {"mean": [1, 0, 0], "wu-code": [2, 0, 0], "wu-set": [1, 0, 0]}
    attended = score(places, ids, answer, [needle] * 10, copy=False)[0]
    assert attended.tolist() == [1, 1, 0]


def test_a_step_without_targets_does_not_count_and_an_unread_layer_is_nan():
    ids = torch.tensor([5, 6, 5])
    empty = torch.empty(0, dtype=torch.long)
    places = torch.tensor([[[0, 0]], [[-1, -1]]]).int()
    found = score(places, ids, torch.tensor([5, 7]), [torch.tensor([0]), empty])
    assert found[0, 0] == 1 and found[1].isnan().all()
    assert score(places, ids, torch.tensor([5, 7]), [empty, empty]) is None


def test_ranked_breaks_ties_by_layer_then_head_and_sets_follow_it():
    mean = torch.tensor([[0.1, 0.5], [0.5, 0.0]])
    assert [entry[:2] for entry in ranked(mean)] == [(0, 1), (1, 0), (0, 0), (1, 1)]
    assert head_set(mean, top_k=1).tolist() == [[False, True], [False, False]]
    assert int(head_set(mean).sum()) == 3 and int(head_set(mean, nonzero=True).sum()) == 3
    with pytest.raises(ValueError, match="top_k 5 of 4"):
        head_set(mean, top_k=5)
    with pytest.raises(ValueError, match="one of"):
        head_set(mean, top_k=1, nonzero=True)


def test_check_14_exact_p():
    """The permutation p of the specification's examples; a constant gives NaN."""
    x = [1, 2, 3, 4, 5]
    for y, rho, p in [
        ([1, 2, 3, 4, 5], 1, 1 / 60),
        ([1, 2, 3, 5, 4], 0.9, 0.0833333),
        ([2, 1, 3, 5, 4], 0.8, 0.1333333),
    ]:
        found = spearman(x, y)
        assert found[0] == pytest.approx(rho) and found[1] == pytest.approx(p, abs=1e-6)
    rho, p, n = spearman(x, [2, 2, 2, 2, 2])
    assert math.isnan(rho) and p is None and n == 5


@given(st.integers(0, 10_000))
def test_check_14_rho_equals_scipy(seed):
    """On tied vectors, to 1e-12."""
    from scipy.stats import spearmanr

    draw = torch.Generator().manual_seed(seed)
    n = int(torch.randint(3, 30, (1,), generator=draw))
    x, y = (torch.randint(0, 6, (n,), generator=draw).tolist() for _ in range(2))
    rho, p, _ = spearman(x, y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert math.isnan(rho)
        return
    theirs = spearmanr(x, y)
    assert rho == pytest.approx(theirs.statistic, abs=1e-12)
    if n > 9:
        assert p == pytest.approx(theirs.pvalue, abs=1e-9)


def test_correlate_bootstraps_examples_and_leaves_one_out():
    x = [0.1, 0.2, 0.3, 0.4, 0.9]
    per_example = [[v, v, v, v] for v in x]
    found = correlate(x, x, per_example)
    assert found.rho == 1 and (found.low, found.high) == (1, 1) and found.without == (1, 1)
    assert pooled([(x, x), ([5, 6, 7], [1, 2, 3])])[0] > 0.9


def test_check_19_compare_with_itself_with_zeros_and_with_more():
    """All ones; NaN without a reference; recall never falls when heads are added."""
    draw = torch.Generator().manual_seed(0)
    mean = torch.rand(4, 5, generator=draw)
    same = compare(mean, mean, threshold=0.3)
    assert same[:4] == pytest.approx((1, 1, 1, 1))
    none = compare(torch.zeros(4, 5), mean)
    assert math.isnan(none.recall) and math.isnan(none.cosine)
    other, last = torch.zeros(4, 5), -1.0
    for layer, head, _ in ranked(torch.rand(4, 5, generator=draw)):
        other[layer, head] = 1
        recall = compare(mean, other, threshold=0.3).recall
        assert recall >= last
        last = recall
    assert last == 1


def test_compare_refuses_other_bases_and_shapes():
    a, b = scores_of([[0.5, 0.0]]), scores_of([[0.5, 0.2]], model="other")
    with pytest.raises(ValueError, match="one base model"):
        compare_files(a, b, threshold=0.1)
    assert compare_files(a, b, allow_different_base=True, threshold=0.1)["n_other_only"] == 1
    with pytest.raises(ValueError, match="layers and heads"):
        compare_files(a, scores_of([[0.5], [0.2]]))
    assert math.isnan(cosine(torch.zeros(2), torch.ones(2)))


def test_exit_3_where_the_reference_has_no_head(tmp_path, cli):
    """Check 19, by the command."""
    scores_of([[0.0, 0.0]]).save(tmp_path / "zero.json")
    scores_of([[0.5, 0.0]]).save(tmp_path / "some.json")
    done = cli(
        "compare", "--ref", tmp_path / "zero.json", "--other", tmp_path / "some.json", "--json"
    )
    assert done.returncode == 3
    assert json.loads(done.stdout)["recall"] is None
    assert "0.1" in done.stderr and "largest score is 0.0000" in done.stderr


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


def test_scores_above_one_are_accepted_and_counted(tmp_path, capsys):
    file = tmp_path / "f.json"
    file.write_text('{"0-0": [1.789, 0.5], "0-1": [0, 0]}')
    text = in_process(capsys, "import-wu", file, "--out", tmp_path / "o.json")
    assert "1 scores of single trials are above 1" in text
    export_wu(HeadScores.load(tmp_path / "o.json"), tmp_path / "back.json")
    assert json.loads((tmp_path / "back.json").read_text()) == json.loads(file.read_text())
