import pytest
from cfr.contrast.tuples import number_documents, training_set
from cfr.records import Passage, Training
from tenpapers.errors import UserError


def passage(pid, text=None):
    return Passage(pid=pid, text=text or f"text of {pid}")


def row(qid, positives, negatives=(), claim="c", signals=None):
    return Training(
        qid=qid,
        claim=claim,
        question="q",
        positives=positives,
        negatives=negatives,
        signals=signals or {},
    )


def test_copies_of_a_passage_are_one_document():
    found = number_documents(
        [passage("a", "One  Text"), passage("b"), passage("c", "one text"), passage("b")]
    )
    assert found.texts == ["One  Text", "text of b"]
    assert found.number == {"a": 0, "b": 1, "c": 0}


def test_every_positive_is_a_tuple_and_a_copy_of_a_positive_is_no_negative():
    data = training_set(
        [
            row("1:0", [passage("a"), passage("b")], [passage("c"), passage("d", "text of a")]),
            row("2:0", [], [passage("e")]),
            row("3:0", [passage("c")], claim=" C "),
        ]
    )
    assert data.tuples == [(0, 0), (0, 1), (1, 2)]
    assert [own.tolist() for own in data.negatives] == [[2], []]
    assert data.claims.tolist() == [0, 0]
    assert data.without_positive == 1


def test_rows_without_any_positive_stop_before_training_and_name_the_empty_signals():
    with pytest.raises(UserError, match=r"none of 2 .* named none: gold, distill, lerc"):
        training_set([row("1", [], [passage("a")]), row("2", [])])


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row("1", [passage("a")]), row("1", [passage("b")])], "qid '1' stands twice"),
        ([row("1", [passage("a")], [passage("a")])], "'a' is positive and negative"),
        ([row("1", [passage("a")]), row("2", [passage("a", "x")])], "'a' stands for two texts"),
    ],
)
def test_rows_that_contradict_themselves_are_refused(rows, told):
    with pytest.raises(UserError, match=told):
        training_set(rows)
