import hashlib

from dcr.controlled.base_sentences import base_sentences, copied_sentences, split_of
from dcr.records import GoldError, Instance


def test_sentences_of_responses_without_an_error():
    rows = [
        Instance(
            id="a",
            document="D",
            topic="tea",
            response="Ann sold red houses yesterday. So it goes. 7 men sat down there."
            "\nAnd so on it goes",
            gold=[GoldError(label=["Benign", "Questionable"], span="red")],
        ),
        Instance(
            id="b",
            document="D",
            response="This one is wrong in it.",
            gold=[GoldError(label=["Questionable", "Unwanted.Intrinsic"])],
        ),
        Instance(id="c", document="D", response="Ann sold red houses yesterday."),
    ]
    found = list(base_sentences(rows))
    assert [(one.id, one.sentence) for one in found] == [
        ("a#0", "Ann sold red houses yesterday."),
        ("a#2", "7 men sat down there."),
        ("a#3", "And so on it goes"),
    ]
    assert found[0].topic == "tea"


def test_a_sentence_of_every_second_document():
    rows = [
        Instance(id=f"{n}", document=f"BOB: Yes. So then {n} men sat down.", response="x")
        for n in range(4)
    ]
    found = list(copied_sentences(rows, 2))
    assert [(one.id, one.sentence) for one in found] == [
        ("0#copied", "So then 0 men sat down."),
        ("2#copied", "So then 2 men sat down."),
    ]


def test_a_source_belongs_where_its_hash_says():
    sources = [str(number) for number in range(20)]
    for source in sources:
        number = int(hashlib.sha256(source.encode()).hexdigest(), 16) % 100
        assert split_of(source) == ("test" if number < 25 else "train")
    assert {split_of(source) for source in sources} == {"test", "train"}
