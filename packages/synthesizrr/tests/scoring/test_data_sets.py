import random
from collections import Counter

from synthesizrr.records import TextRow
from synthesizrr.scoring.data_sets import DataSet, equalized


def rows(*pairs):
    return [TextRow(text=text, label=label) for text, label in pairs]


def test_sets_are_cut_to_one_size_and_mix():
    first = DataSet("a", rows(*[(f"x{i}", "p" if i < 6 else "q") for i in range(10)]))
    second = DataSet("b", rows(*[(f"y{i}", "p" if i < 2 else "q") for i in range(9)]))
    (one, two), how = equalized([first, second], 42)
    assert sorted(one.labels) == sorted(two.labels) == ["p"] * 2 + ["q"] * 4
    assert how == "equal size and label mix"
    plain = DataSet("c", rows(*[(f"z{i}", None) for i in range(3)]))
    cut, how = equalized([first, plain], 42)
    assert [len(each.rows) for each in cut] == [3, 3] and "mix stays" in how


def test_the_order_of_the_rows_decides_nothing():
    """300 of 900 rows sorted by label, or shuffled: the same 300, each label in proportion."""
    given = rows(*[(f"t{i}", "pqr"[i // 300]) for i in range(900)])
    shuffled = random.Random(0).sample(given, 900)
    (one, two), _ = equalized([DataSet("a", given), DataSet("b", shuffled)], 42, 300)
    assert one.rows == two.rows and Counter(one.labels) == dict.fromkeys("pqr", 100)
