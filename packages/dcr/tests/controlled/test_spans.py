import pytest
from dcr.controlled.spans import TextSpan, replacements, spans


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("In 2019 Bank of England paid $3.5 to Li.", ["2019", "Bank of England", "3.5", "Li"]),
        ("Barack Obama met the Duke of the West.", ["Duke of the West"]),
        ("The White House said He left at 1,200.", ["White House", "1,200"]),
        ("I saw him and I left", []),
        ("a COVID-19 case, 19th of 7", ["COVID-19", "7"]),
        ("", []),
    ],
)
def test_numbers_and_names_of_a_sentence(sentence, found):
    seen = spans(sentence)
    assert [span.text for span in seen] == found
    assert all(sentence[span.start : span.end] == span.text for span in seen)


def test_what_can_stand_in_a_spans_place():
    """Of its kind, not in the sentence, and neither part of a span there nor around one."""
    sentence = "Then Ann Li met Bob."
    document = "They saw Ann Li, Bob Ray, Cid and Li in Rome in 1999. It was Ann."
    assert replacements(TextSpan(5, 11, "Ann Li", "name"), sentence, document) == ["Cid", "Rome"]
    assert replacements(TextSpan(0, 1, "5", "number"), sentence, document) == ["1999"]
