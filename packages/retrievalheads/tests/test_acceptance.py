"""Real inputs: published head scores, and datasets of every task and variant.

A tenth of the examples is built, all with `make acceptance` (see `WHOLE`).
"""

import gzip
import json
from collections import Counter

import pytest
from retrievalheads.heads.score_files import HeadScores
from retrievalheads.inputs.normalised_text import normalise
from retrievalheads.inputs.published_files import read_source
from retrievalheads.records import SYNTHETIC
from tenpapers.testing import whole_acceptance

from .builds import built, check_needles
from .conftest import in_process

WHOLE = whole_acceptance()
N = 200 if WHOLE else 20  # examples of a variant
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
def test_published_scores(name, data, tmp_path, capsys):
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
def test_split_halves_of_published_scores(
    name, n_other, n_ref, recall, jaccard, cos, data, tmp_path, capsys
):
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


SOURCES = {
    "mdqa": "nq_open_oracle",
    "musique": "musique_ans_dev_questions",
    "summhay": "summhay_eval_benchmark",
}


@pytest.mark.acceptance
@pytest.mark.parametrize("task", SOURCES)
@pytest.mark.parametrize("variant", SYNTHETIC)
def test_needles_of_every_variant(task, variant, data, tmp_path):
    """Real sources; the training topics of SummHay give 85 examples."""
    few = WHOLE and task == "summhay"
    examples = built(
        tmp_path,
        data / f"{SOURCES[task]}.jsonl.gz",
        task,
        variant,
        allow_fewer=few,
        n=N,
        n_dev=1,
        n_test=1,
        context_tokens=1024,
    )
    assert len(examples) == (85 if few else N)
    check_needles(examples, 1024, full=True)
    for example in examples:
        if example.task == "summhay":
            cited = [d.doc_id for d in example.documents if d.role == "gold"]
            assert example.target == " " + "".join(f"[{i}]" for i in sorted(cited))


@pytest.mark.acceptance
def test_no_passage_gives_the_answer_away(data, tmp_path):
    """Real MDQA contexts; and MuSiQue contexts with each supporting paragraph once."""
    examples = built(
        tmp_path / "nq",
        data / "nq_open_oracle.jsonl.gz",
        variant="real-full",
        n=N,
        context_tokens=1024,
    )
    assert len(examples) == N
    check_needles(examples, 1024, full=True)
    for example in examples:
        assert Counter(d.role for d in example.documents)["gold"] == 1
        for document in example.documents:
            if document.role != "gold":
                text = normalise(f"{document.title} {document.text}")
                assert not any(normalise(answer) in text for answer in example.answers)
    source = data / "musique_ans_train_sample.jsonl.gz"
    items = {item.id: item for item in read_source("musique", source)}
    examples = built(
        tmp_path / "mq",
        source,
        "musique",
        "real-full",
        n=40,
        n_dev=3,
        n_test=5,
        hops="any",
        context_tokens=2048,
        allow_fewer=True,
    )
    assert len(examples) >= 35
    check_needles(examples, 2048)
    for example in examples:
        item = items[example.meta["source"]]
        texts = Counter(d.text for d in example.documents)
        for hop in item.hops:
            assert texts[item.paragraphs[hop.paragraph].text] == 1
        for document in example.documents:
            if document.role == "filler":
                text = normalise(f"{document.title} {document.text}")
                assert not any(normalise(hop.answer) in text for hop in item.hops)
