import pytest
from overton.scoring.formats import abstains, is_bulleted, is_numbered


@pytest.mark.parametrize(
    ("text", "numbered"),
    [
        ("1. a\n2. b", True),
        ("Two:\n1. a\n\nmore\n2. b", True),
        ("1. a", False),
        ("2. a\n3. b", False),
        ("1) a\n2) b", False),
        ("text 1. a\ntext 2. b", False),
    ],
)
def test_a_numbered_list_counts_from_1_on(text, numbered):
    assert is_numbered(text) == numbered


def test_two_dashes_make_a_list():
    assert is_bulleted("- a\n- b") and not is_bulleted("- a\n-b") and not is_bulleted("a - b\n- c")


def test_a_model_that_holds_back_is_known_by_its_phrases():
    assert abstains("As an AI language model, I") and abstains("I Don't have personal views")
    assert not abstains("I do not have a car")
