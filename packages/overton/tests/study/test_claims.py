import pytest
from overton.scoring.similarity import PairScores, Similarity
from overton.study.claims import Evidence, judge
from tenpapers.paper import load_paper

EMPTY = {
    "lexical": {},
    "jaccard_first_L_tokens_LIMA-OE": {},
    "missing_topics": {},
    "coverage": {},
    "stance": {},
    "similarity_LIMA-OE": {},
}


def verdict(claim, *, similarities=(), **tree):
    found = Evidence(EMPTY | tree, None, {}, similarities, 200, (0, 1))
    return next(one for one in judge(load_paper("overton"), found) if one["id"] == claim)


def stances(both, yes_and_no):
    return {"n": 10, "both": both, "yes_and_no": yes_and_no}


@pytest.mark.parametrize(
    ("aligned", "wanted"),
    [(stances(6, 0.1), "shown"), (stances(1, 0.1), "not shown"), (stances(6, 0.9), "not shown")],
)
def test_both_must_move_for_overton(aligned, wanted):
    models = {"llama-2-base": stances(2, 0.7), "llama-2-chat": aligned}
    assert verdict("from-distributional-to-overton", stance=models)["verdict"] == wanted


def test_a_rise_that_is_length_alone_is_not_shown():
    models = {"llama-2-base": {"jaccard": 0.1}, "llama-2-chat": {"jaccard": 0.3}}
    beginnings = {"llama-2-base": {"50": 0.2}, "llama-2-chat": {"50": 0.2}}
    tree = {"lexical": {"LIMA-OE": models}, "jaccard_first_L_tokens_LIMA-OE": beginnings}
    assert verdict("alignment-lowers-diversity", **tree)["verdict"] == "not shown"


def compared(alternative, scores, *, is_self=False):
    by_metric = {"jaccard": PairScores([[score] for score in scores])}
    return Similarity("llama-2-chat", alternative, is_self, len(scores), by_metric)


def test_the_ceiling_must_be_reached_by_every_base_model():
    ceiling = compared("llama-2-chat", [0.5, 0.6, 0.4, 0.5], is_self=True)
    near = compared("mistral-icl-chat-summary", [0.6, 0.5, 0.4, 0.5])
    far = compared("llama-2-icl-chat-summary", [0.3, 0.3, 0.2, 0.3])
    found = verdict("hints-reach-the-ceiling", similarities=[ceiling, near])
    assert found["verdict"] == "shown" and "mistral base: 1 of 1" in found["evidence"]
    found = verdict("hints-reach-the-ceiling", similarities=[ceiling, near, far])
    assert found["verdict"] == "not shown" and "llama-2 base: 0 of 1" in found["evidence"]


def test_without_the_files_nothing_is_judged():
    found = Evidence(EMPTY, None, {}, [], 200, (0, 1))
    verdicts = {one["verdict"] for one in judge(load_paper("overton"), found)}
    assert verdicts == {"not testable here"}
