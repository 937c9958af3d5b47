import pytest
from cfr import chunk
from cfr.records import Page, Passage
from cfr.retrieval.chunk import ChunkSettings, chunk_all, distinct
from hypothesis import given
from hypothesis import strategies as st
from tenpapers.errors import UserError


def page(count, url="u"):
    return Page(url=url, title="Oil", text=" ".join(f"w{n}" for n in range(count)))


def spans(passages):
    return [(passage.start, passage.end) for passage in passages]


def test_windows_of_two_hundred_words():
    found = chunk(page(450))
    assert spans(found) == [(0, 200), (200, 400), (400, 450)]
    assert " ".join(passage.text for passage in found) == page(450).text
    assert {passage.title for passage in found} == {"Oil"} and len({p.pid for p in found}) == 3


def test_a_short_last_window_is_dropped_unless_it_is_the_only_one():
    assert spans(chunk(page(410))) == [(0, 200), (200, 400)]
    assert spans(chunk(page(420))) == [(0, 200), (200, 400), (400, 420)]
    assert spans(chunk(page(7))) == [(0, 7)]
    assert chunk(page(0)) == []


def test_overlapping_windows_end_where_the_page_ends():
    assert spans(chunk(page(250), 100, 50)) == [(0, 100), (50, 150), (100, 200), (150, 250)]


@given(st.integers(1, 500), st.integers(1, 90), st.integers(1, 90))
def test_windows_cover_the_page_but_for_a_short_tail(count, window, stride):
    window, stride = max(window, stride), min(window, stride)
    found = spans(chunk(page(count), window, stride))
    covered = {word for start, end in found for word in range(start, end)}
    missing = sorted(set(range(count)) - covered)
    assert len(missing) < 20 and missing == list(range(count - len(missing), count))
    assert all(end - start <= window for start, end in found)


class Letters:
    """A tokenizer of one token a letter."""

    def __call__(self, texts, add_special_tokens):
        return {"input_ids": [list(text) for text in texts]}


def test_windows_of_tokens_end_between_words():
    text = "abc de f ghij k " + " ".join("x" * 30)
    found = chunk(Page(url="u", text=text), 6, 4, "tokens", tokenizer=Letters())
    assert spans(found)[:4] == [(0, 3), (1, 3), (3, 6), (4, 10)]


def test_equal_texts_are_one_window_and_the_first_address_stays():
    first = Passage(pid="a", url="u1", text="Oil  rose")
    assert distinct([first, Passage(pid="b", url="u2", text="oil rose\n")]) == [first]
    pages = [page(30, "u1"), page(30, "u2")]
    assert [passage.url for passage in chunk_all(pages)] == ["u1"]


@pytest.mark.parametrize(
    ("window", "stride", "told"),
    [
        (0, 1, "--window 0: 1 or more"),
        (5, -1, "--stride -1: 1 or more"),
        (100, 101, "--stride 101 is longer than --window 100.*--allow-gaps"),
    ],
)
def test_windows_that_cannot_be(window, stride, told):
    with pytest.raises(UserError, match=told):
        chunk(page(9), window, stride)


def test_gaps_where_they_are_meant():
    settings = ChunkSettings(window=30, stride=50, allow_gaps=True)
    assert spans(chunk_all([page(90)], settings)) == [(0, 30), (50, 80)]


def test_the_tokens_of_minilm_are_counted(minilm):
    text = "unbelievable " * 30
    (first, *_) = chunk(Page(url="u", text=text), 20, 20, "tokens")
    assert len(minilm.tokenizer(first.text, add_special_tokens=False)["input_ids"]) <= 20
