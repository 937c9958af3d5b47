import pytest
from codeupdatearena import extract_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\nfence\n```\n[PYTHON]\ntags\n[/PYTHON]", "tags"),
        ("[PYTHON]\none\n[/PYTHON]\n[PYTHON]\ntwo\n[/PYTHON]", "one"),
        ("```\none\n```\ntext\n```\ntwo\n```", "one"),
        ("[PYTHON]\nopen", ""),
        ("```python\nopen", ""),
        ("```python\nx = 1\ny = 2\n```", "x = 1\ny = 2"),
        ("```\nx = 1\n```", "x = 1"),
        ("```x = 1```", "x = 1"),
        ("no code", ""),
        ("", ""),
    ],
)
def test_extraction(text, code):
    assert extract_code(text) == code


def test_lenient_takes_an_unclosed_block():
    assert extract_code("[PYTHON]\nx = 1", strict=False) == "x = 1"
    assert extract_code("```python\nx = 1", strict=False) == "x = 1"
