import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesizrr.sourcing.shorten import shorten, shortened


def test_shorten_ends_after_the_last_whole_sentence(tokenizer):
    text = "One is here. Two is here. Three goes on for ever and ever and ever."
    assert shorten(text, tokenizer, max_tokens=12) == "One is here. Two is here."
    assert shorten('He said "yes!" Then he left the room', tokenizer, max_tokens=9) == (
        'He said "yes!"'
    )
    assert shorten("Really? Maybe so or not", tokenizer, max_tokens=5) == "Really?"
    assert shorten("Really? No. Maybe so", tokenizer, max_tokens=6, strict=True) == "Really? No."


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("Up. Profit rose to 3.5 million this year", 8),
        ("Up. It costs $46.75 at the shop now", 8),
        ("Up. The U.S. economy grew more", 6),
    ],
)
def test_shorten_does_not_end_inside_a_number_or_an_abbreviation(tokenizer, text, most):
    for tokens in range(2, most + 1):
        assert shorten(text, tokenizer, max_tokens=tokens) == "Up."


def test_other_scripts_full_stops_end(tokenizer):
    assert shorten("价格上涨。公司很高兴", tokenizer, max_tokens=30) == "价格上涨。"


def test_shorten_without_a_sentence_end_cuts_hard(tokenizer):
    text = "word " * 50
    cut = shortened(text, tokenizer, max_tokens=7)
    assert cut.hard_cut and len(tokenizer(cut.text, add_special_tokens=False)["input_ids"]) <= 7
    assert shortened("no end", tokenizer, max_tokens=7) == ("no end", False)


def test_shorten_drops_what_is_too_short(tokenizer):
    text = "One two three four five."
    n = len(tokenizer(text, add_special_tokens=False)["input_ids"])
    assert shorten(text, tokenizer, n, max_tokens=100) == text
    assert shorten(text, tokenizer, n + 1, max_tokens=100) is None
    assert shorten("", tokenizer, max_tokens=10) == ""


@settings(max_examples=40)
@given(st.text(max_size=200), st.integers(1, 30))
def test_shorten_gives_a_beginning_of_the_text(tokenizer, text, most):
    cut = shorten(text, tokenizer, max_tokens=most)
    assert text.lstrip().startswith(cut)
