import pytest
from synthesizrr.inputs.seeds import per_class_of, sample_seeds
from synthesizrr.records import Example
from tenpapers.errors import UserError


def examples(**counts):
    return [
        Example(id=f"{label}{i}", text=f"{label} text {i}.", label=label)
        for label, count in counts.items()
        for i in range(count)
    ]


def ids(rows):
    return [row.id for row in rows]


def test_seeds_are_balanced_and_never_drawn_twice():
    chosen = sample_seeds(examples(a=30, b=10), 10, seed=42)
    assert [row.label for row in chosen] == ["a"] * 10 + ["b"] * 10
    assert len(set(ids(chosen))) == 20
    assert chosen == sample_seeds(examples(a=30, b=10), 10, seed=42)
    assert chosen != sample_seeds(examples(a=30, b=10), 10, seed=1)


def test_a_small_class_repeats_under_new_ids_and_says_so(caplog):
    chosen = sample_seeds(examples(a=3), 5)
    assert len(set(ids(chosen))) == 5 and "3 examples for 5 seeds" in caplog.text
    with pytest.raises(UserError, match="no example of label 'b'"):
        sample_seeds(examples(a=3), 2, labels=["a", "b"])


def test_the_seed_size_must_divide():
    assert per_class_of(200, 4) == 50
    with pytest.raises(UserError, match="do not divide"):
        per_class_of(10, 4)
