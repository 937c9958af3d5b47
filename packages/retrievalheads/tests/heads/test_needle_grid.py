"""Where needles go, and the cells that are made of them."""

from retrievalheads.decoding.prefix_reader import PrefixReader
from retrievalheads.heads.needle_grid import (
    Haystack,
    default_haystack,
    default_needles,
    grid_for,
    insertion_points,
)

from ..conftest import tiny


def test_ten_depths_are_ten_places_after_a_sentence_or_a_blank(tokenizer):
    """Ten different, increasing places in 2,000 tokens, after a sentence or a blank."""
    from retrievalheads.heads.needle_grid import default_haystack

    haystack = Haystack(tokenizer, default_haystack())
    places = haystack.points(2000, 10)
    assert len(set(places)) == 10 and places == sorted(places)
    assert places[0] == 0 and places[-1] == 2000
    for place in places[1:-1]:
        start = haystack.offsets[place][0]
        assert haystack.text[start] == " " or haystack.text[start - 1].isspace()
        assert haystack.text[:start].rstrip()[-1] in ".!?"
    assert insertion_points("one two three four", 3) == [0, 8, 18]
    assert insertion_points("abcdefgh", 3) == [0, 4, 8]


def test_sharing_computes_at_most_60_percent_of_the_tokens(tokenizer):
    """On a grid of ten depths."""
    model = tiny(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1)
    grid = grid_for(tokenizer, default_haystack(), default_needles()[:2], [500, 700], 10)
    counts = []
    for share in (True, False):
        reader = PrefixReader(model)
        for cell in sorted(grid, key=lambda cell: cell.order):
            if not share:
                reader.forget()
            reader.read(cell.ids)
        counts.append(reader.tokens)
    assert counts[0] <= 0.6 * counts[1], counts
