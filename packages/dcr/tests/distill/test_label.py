from dcr.detect.detect import detect
from dcr.detect.detector import Detector
from dcr.distill.label import Filler, filler_of, labelled_rows, usable
from dcr.distill.rows import Initial

from ..by_hand import DOCUMENT, SharedWords

HERE, HOPE = "Sure, here it is.", "I hope this helps."


def initial(name, response, **more):
    return Initial(id=name, document=DOCUMENT, response=response, **more)


ROWS = [
    initial("a", f"{HERE} Ann ran home in June. {HOPE}"),
    initial("b", f"{HERE} Ann ran home in July."),
    initial("c", f"Bo sat down in Paris. {HOPE}"),
    initial("d", f"Bo sat down in Paris. Ann ran home. {HERE}"),
]


def test_sentences_with_which_several_responses_begin_or_end_are_filler():
    assert filler_of(ROWS) == Filler(frozenset({HERE, "Bo sat down in Paris."}), frozenset({HOPE}))
    assert filler_of(ROWS[:2]) == Filler(frozenset({HERE}), frozenset())


def test_filler_is_left_out_of_the_sentences_and_not_of_the_response():
    detector = Detector(SharedWords(), "shared-words", threshold=0.99)
    filler = filler_of(ROWS[:2])
    first, second = labelled_rows(ROWS[:2], filler, lambda rows: detect(rows, detector))
    assert first.all_sentences == [HERE, "Ann ran home in June.", HOPE]
    assert first.sentences == ["Ann ran home in June.", HOPE]
    assert first.response == ROWS[0].response
    assert [first.response[slice(*place)] for place in first.offsets] == first.sentences
    assert (first.sent_wise_labels, first.summary_factual) == ([1, 0], False)
    assert (second.labels, second.response_ok) == ([0], False)


def test_what_is_no_use_is_counted_by_its_reason():
    rows = [
        initial("long", "Ann ran home.", instruction="Sum up: ...", dataset="ultrachat"),
        initial("as long", "Ann ran.", instruction="Sum up..", dataset="ultrachat"),
        initial("short", "Ann ran.", instruction="Sum up..."),
        initial("topic", "Ann ran home in June.", instruction="Sum up", topic="June"),
        initial("bad", "\ufffd", dropped="degenerate"),
        initial("f1", "Yes."),
        initial("f2", "Yes."),
    ]
    kept = usable(rows)
    assert [row.id for row in kept.rows] == ["short", "topic"]
    assert kept.dropped == {"longer than its instruction": 2, "degenerate": 1, "filler alone": 2}
