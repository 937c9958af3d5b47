from hypothesis import given
from hypothesis import strategies as st
from tocot.extraction.extract import extract
from tocot.extraction.markup import readable

from ..conftest import letters

ANIMALS = letters("dog", "cat", "horse")


def test_spans_are_places_of_the_original_text():
    for text in ("The answer is **B**.", "“Well” – answer: \u212c? Answer: Ｂ", "Answer: (B)"):
        found = extract(text, ANIMALS)
        start, end = found.span
        assert found.answer == "B" and text[start:end] in ("B", "Ｂ")


PARTS = [
    "B",
    " so",
    "\n",
    "**",
    "__",
    "`",
    "$",
    "\\(",
    "\\)",
    "\\text{B}",
    "\\mathbf{}",
    "\\textbf {x y}",
]


@given(parts=st.lists(st.sampled_from(PARTS), max_size=12), start=st.integers(0, 6))
def test_every_sign_of_the_cleaned_text_knows_its_place(parts, start):
    response = "".join(parts)
    clean, places = readable(response, start, len(response))
    if places is None:
        assert clean == response
        return
    found = [places.of(index) for index in range(len(clean))]
    assert "".join(response[place] for place in found) == clean
    assert found == sorted(set(found)) and all(place >= start for place in found)
