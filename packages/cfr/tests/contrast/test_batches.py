import numpy as np
from cfr.contrast.batches import Batch, batches_of_epoch, draw_negatives, mask_of, order_tuples
from cfr.contrast.tuples import Tuple, training_set
from hypothesis import given
from hypothesis import strategies as st

from .test_tuples import passage, row


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(1, 8), st.integers(0, 9))
def test_a_batch_has_one_tuple_a_claim_and_an_epoch_has_all(claims, size, seed):
    tuples = [Tuple(number, number) for number in range(len(claims))]
    batches = order_tuples(tuples, np.array(claims), size, np.random.default_rng(seed))
    assert sorted(t for batch in batches for t in batch) == tuples
    for batch in batches:
        named = [claims[t.row] for t in batch]
        assert len(named) <= size
        assert len(set(named)) == len(named)


def test_claims_with_many_subquestions_do_not_leave_small_batches_behind():
    claims = np.repeat(np.arange(60), 5)
    tuples = [Tuple(number, number) for number in range(300)]
    batches = order_tuples(tuples, claims, 20, np.random.default_rng(0))
    assert len(batches) <= 17
    assert [len(batch) for batch in batches[:-3]] == [20] * (len(batches) - 3)


def test_the_larger_half_of_the_drawn_negatives_are_the_hardest():
    hardest_first = np.array([40, 10, 30, 20, 60, 50])
    for seed in range(20):
        drawn = draw_negatives(hardest_first, 3, np.random.default_rng(seed)).tolist()
        assert drawn[:2] == [40, 10]
        assert drawn[2] in {30, 20, 60, 50}
    assert {
        int(draw_negatives(hardest_first, 3, np.random.default_rng(seed))[2]) for seed in range(60)
    } == {30, 20, 60, 50}
    assert draw_negatives(hardest_first, 6, np.random.default_rng(0)).tolist() == [
        40,
        10,
        30,
        20,
        60,
        50,
    ]


def test_columns_are_the_positives_and_then_every_rows_negatives():
    data = training_set(
        [
            row("1", [passage("a")], [passage("b"), passage("c")], claim="x"),
            row("2", [passage("d")], [passage("e")], claim="y"),
        ]
    )
    (batch,) = batches_of_epoch(data, 4, 2, np.random.default_rng(0))
    names = [data.documents.texts[number][-1] for number in batch.columns]
    if batch.rows.tolist() == [0, 1]:
        assert (names, batch.owner.tolist()) == (list("adbce"), [0, 1, 0, 0, 1])
    else:
        assert (names, batch.owner.tolist()) == (list("daebc"), [0, 1, 0, 1, 1])


def test_an_epoch_depends_on_the_generator_alone():
    rows = [
        row(str(n), [passage(f"p{n}")], [passage(f"n{n}{k}") for k in range(9)]) for n in range(9)
    ]
    data = training_set(rows)
    runs = [list(batches_of_epoch(data, 4, 3, np.random.default_rng(seed))) for seed in (1, 1, 2)]
    columns = [[batch.columns.tolist() for batch in run] for run in runs]
    assert columns[0] == columns[1] != columns[2]


def test_the_mask_of_a_batch_joins_false_negatives_and_other_rows_columns():
    data = training_set(
        [
            row("1", [passage("a"), passage("b")], [passage("c")], claim="x"),
            row("2", [passage("b")], claim="y"),
        ]
    )
    a, b, c = (data.documents.number[name] for name in "abc")
    batch = Batch(np.array([0, 1]), np.array([a, b, c]), np.array([0, 1, 0]))
    mask = mask_of(batch, data, batch.columns, batch.owner)
    assert mask.tolist() == [[False, True, False], [False, False, False]]
    alone = mask_of(batch, data, batch.columns, batch.owner, in_batch=False)
    assert alone.tolist() == [[False, True, False], [True, False, True]]
