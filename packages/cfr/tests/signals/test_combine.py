import pytest
from cfr.contrast.tuples import training_set
from cfr.records import Judgement, Labels
from cfr.signals.combine import combine_labels
from hypothesis import given
from hypothesis import strategies as st
from tenpapers.errors import UserError

from .conftest import candidates, passage


def labels(signal, qid="1:0", **rel):
    return Labels(
        qid=qid, signal=signal, judgements=[Judgement(pid=p, rel=r) for p, r in rel.items()]
    )


def pool(*pids, qid="1:0"):
    return candidates(qid, [passage(pid, f"text {pid}") for pid in pids])


def pids(passages):
    return [one.pid for one in passages]


def test_a_positive_of_any_signal_is_positive_and_a_negative_needs_that_none_says_so():
    given = [
        labels("gold", a=1, b=0, c=0),
        labels("lerc", b=1, d=0, a=0),
        labels("distill", e=None, a=1),
    ]
    (row,), counts = combine_labels(given, [pool(*"abcde")])
    assert (pids(row.positives), pids(row.negatives)) == (["a", "b"], ["c", "d"])
    assert row.signals == {"a": ["gold", "distill"], "b": ["lerc"]}
    assert counts.positive_by_signal == {"gold": 1, "distill": 1, "lerc": 1}


def test_one_signal_alone_knows_nothing_of_the_others():
    given = [labels("gold", a=1, b=0), labels("lerc", b=1, a=0)]
    (row,), _ = combine_labels(given, [pool(*"ab")], combine="lerc")
    assert (pids(row.positives), pids(row.negatives)) == (["b"], ["a"])
    assert row.signals == {"b": ["lerc"]}


said = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([1, 0, None]))


@given(said, said, said)
def test_no_passage_is_both_and_every_positive_names_its_signals(gold, distill, lerc):
    given = [
        labels(name, **rel) for name, rel in (("gold", gold), ("distill", distill), ("lerc", lerc))
    ]
    try:
        (row,), _ = combine_labels(given, [pool(*"abcdef")])
    except UserError:
        assert 1 not in {*gold.values(), *distill.values(), *lerc.values()}
        return
    assert not set(pids(row.positives)) & set(pids(row.negatives))
    assert set(row.signals) == set(pids(row.positives))
    assert all(row.signals.values())
    training_set([row])


def test_a_copy_of_a_positive_is_no_negative():
    row = candidates(
        passages=[passage("a", "One Text"), passage("b", "one  text"), passage("c", "x")]
    )
    (made,), _ = combine_labels([labels("gold", a=1, b=0, c=0)], [row])
    assert pids(made.negatives) == ["c"]


def test_of_the_negatives_the_first_half_are_the_hardest():
    given = [labels("gold", a=1, **dict.fromkeys("bcdefgh", 0))]
    drawn = [
        pids(
            combine_labels(given, [pool(*"abcdefgh")], hard_negatives=4, seed=seed)[0][0].negatives
        )
        for seed in range(12)
    ]
    assert all(row[:2] == ["b", "c"] and len(set(row)) == 4 for row in drawn)
    assert len({tuple(row) for row in drawn}) > 1
    assert drawn[0] == pids(
        combine_labels(given, [pool(*"abcdefgh")], hard_negatives=4, seed=0)[0][0].negatives
    )


def test_answers_that_stand_in_for_pages_come_along():
    stand_in = passage("1:0:answer:0", "the answer").model_copy(update={"pseudo": True})
    given = Labels(
        qid="1:0",
        signal="gold",
        passages=[stand_in],
        judgements=[Judgement(pid="1:0:answer:0", rel=1), Judgement(pid="a", rel=0)],
    )
    (row,), _ = combine_labels([given], [pool("a")])
    assert (row.positives, pids(row.negatives)) == ([stand_in], ["a"])


def test_queries_without_a_positive_are_counted_and_none_at_all_stops():
    given = [labels("gold", a=1), labels("gold", qid="2:0", a=0)]
    rows, counts = combine_labels(given, [pool("a"), pool("a", qid="2:0"), pool("b", qid="3:0")])
    assert [row.qid for row in rows] == ["1:0"]
    assert (counts.without_positive, counts.without_labels) == (1, 1)
    with pytest.raises(UserError, match="without a positive: gold; no labels of: distill, lerc"):
        combine_labels([labels("gold", a=0)], [pool("a")])


@pytest.mark.parametrize(
    ("given", "told"),
    [(labels("gold", z=1), "gold labels passage 'z'"), (labels("gold", qid="9", a=1), "query '9'")],
)
def test_labels_of_what_is_not_there_are_refused(given, told):
    with pytest.raises(UserError, match=told):
        combine_labels([given], [pool("a")])


def test_fields_of_ones_own_pass_through():
    row = pool("a").model_copy(update={"topic": "bridges"})
    (made,), _ = combine_labels([labels("gold", a=1)], [row])
    assert made.model_extra == {"topic": "bridges"}
