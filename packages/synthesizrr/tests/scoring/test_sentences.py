import pytest
from synthesizrr.scoring.sentences import sentences
from synthesizrr.scoring.tokens import word_tokens


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Profit rose to 3.5 million. It cost $46.75.", 2),
        ("The U.S. economy grew. Mr. Smith agreed, e.g. on No. 5.", 2),
        ('He said "yes!" Then he left.', 2),
        ("价格上涨了。公司很高兴！", 2),
        ("वह गया। फिर आया।", 2),
        ("هل جاء؟ نعم.", 2),
        ("no end", 1),
    ],
)
def test_where_sentences_end(text, parts):
    assert len(sentences(text)) == parts


def test_word_tokens_are_those_of_nltks_word_tokenize():
    """A full stop is its own token at every sentence's end, and part of an abbreviation."""
    assert word_tokens("It paid 3.5 million. The U.S. grew.") == [
        *["It", "paid", "3.5", "million", "."],
        *["The", "U.S.", "grew", "."],
    ]
