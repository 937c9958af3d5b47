import math

from synthesizrr.scoring.entities import (
    entity_counts,
    entity_entropy,
    entity_recall,
    entity_stats,
    entropy_bits,
    load_nlp,
    mean_entropy,
    top_entities,
)


def test_entropy_of_counts_by_hand():
    assert entropy_bits([1, 1, 1, 1]) == 2
    assert entropy_bits([8]) == 0 and not math.copysign(1, entropy_bits([8])) < 0
    assert entropy_bits([2, 1, 1]) == 1.5
    assert entropy_bits([2, 0, 2]) == 1


def test_entities_are_told_apart_by_case_and_type():
    nlp = load_nlp()
    texts = ["Paris is in France.", "He lives in Paris, France.", "Toyota hired Angela Merkel."]
    frame = entity_stats(texts, nlp)
    assert list(frame.columns) == ["entity", "type", "count"]
    places = frame[frame["type"] == "GPE"].set_index("entity")["count"].to_dict()
    assert places == {"Paris": 2, "France": 2}
    counts = entity_counts(texts, nlp)
    assert entity_entropy(frame) == entity_entropy(counts)
    assert entity_entropy(counts)["GPE"] == 1 and "MONEY" not in entity_entropy(counts)


def test_recall_and_top_entities():
    gold = {"GPE": {"Paris": 3, "Rome": 1}, "ORG": {"Paris": 1}}
    made = {"GPE": {"Paris": 7}}
    assert entity_recall(gold, made) == {"distinct": 1 / 3, "weighted": 3 / 5}
    assert entity_recall({}, made) == {"distinct": None, "weighted": None}
    assert top_entities(gold, 1)["GPE"] == [("Paris", 3, 0.75)]
    assert mean_entropy([gold, made]) == [entropy_bits([3, 1]), 0.0]
    assert mean_entropy([gold, {"LAW": {"x": 1}}]) == [None, None]


def test_the_mean_entropy_does_not_weigh_the_types():
    """Two types in both sets, of 1 and 0.5 x 1.5 bits; LAW is in one set alone and left out."""
    first = {"GPE": {"Paris": 9, "Rome": 9}, "ORG": {"X": 2, "Y": 1, "Z": 1}, "LAW": {"l": 1}}
    second = {"GPE": {"Paris": 3}, "ORG": {"X": 1, "Y": 1}}
    assert mean_entropy([first, second]) == [(1 + 1.5) / 2, 0.5]
