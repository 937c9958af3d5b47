from tocot.extraction.extract import extract

from ..conftest import letters

ANIMALS = letters("dog", "cat", "horse")


def test_spans_are_places_of_the_original_text():
    for text in ("The answer is **B**.", "“Well” – answer: \u212c? Answer: Ｂ", "Answer: (B)"):
        found = extract(text, ANIMALS)
        start, end = found.span
        assert found.answer == "B" and text[start:end] in ("B", "Ｂ")
