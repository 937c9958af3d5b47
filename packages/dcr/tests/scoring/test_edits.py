import pytest
from dcr import EditOps, edit_ops
from dcr.scoring.edits import edit_distance
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.lists(st.sampled_from("abcd"), max_size=9).map(" ".join)


def table_of(a, b):
    """The distances, cell by cell."""
    table = [[i + j for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            ways = table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (x != y)
            table[i][j] = min(ways)
    return table


def walked(a, b):
    """Kinds of edits by the full table: back from the end, deletion before addition before both."""
    table, i, j, found = table_of(a, b), len(a), len(b), {"add": 0, "del": 0, "sub": 0}
    while i or j:
        if i and table[i][j] == table[i - 1][j] + 1:
            found["del"], i = found["del"] + 1, i - 1
        elif j and table[i][j] == table[i][j - 1] + 1:
            found["add"], j = found["add"] + 1, j - 1
        else:
            i, j = i - 1, j - 1
            found["sub"] += a[i] != b[j]
    return EditOps(table[-1][-1], found["add"], found["del"], found["sub"], len(a), len(b))


@pytest.mark.parametrize(
    ("a", "b", "wanted"),
    [
        ("the cat sat", "the dog sat", EditOps(1, 0, 0, 1, 3, 3)),
        ("a b c", "a b c d", EditOps(1, 1, 0, 0, 3, 4)),
        ("a b", "b a", EditOps(2, 1, 1, 0, 2, 2)),
        ("", "x y", EditOps(2, 2, 0, 0, 0, 2)),
        ("a b c d e", "a x c e", EditOps(2, 0, 1, 1, 5, 4)),
        ("", "", EditOps(0, 0, 0, 0, 0, 0)),
        ("one  two\nthree", "one two three", EditOps(0, 0, 0, 0, 3, 3)),
        ("Two", "two", EditOps(1, 0, 0, 1, 1, 1)),
    ],
)
def test_edits_are_counted_in_words_by_kind(a, b, wanted):
    assert edit_ops(a, b) == wanted


def test_runs_of_words_are_compared_whole():
    # (a b)(b c)(c d) and (a b)(b x)(x d)
    assert edit_ops("a b c d", "a b x d", n=2) == EditOps(2, 0, 0, 2, 3, 3)
    assert edit_ops("a", "a b", n=2) == EditOps(1, 1, 0, 0, 0, 1)
    with pytest.raises(ValueError, match="at least 1"):
        edit_ops("a", "b", n=0)


def test_the_share_is_of_the_first_text():
    assert edit_ops("a b c d e", "a x c e").share == 0.4
    assert edit_ops("", "a").share is None


@given(TEXTS, TEXTS)
def test_kinds_are_those_of_the_full_table_and_the_sum_is_the_distance(a, b):
    found = edit_ops(a, b)
    assert found == walked(a.split(), b.split())
    assert edit_distance(a, b) == found.edits == found.adds + found.deletes + found.subs


@given(TEXTS, TEXTS, TEXTS)
def test_the_distance_is_a_distance(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert (edit_distance(a, b) == 0) == (a.split() == b.split())
