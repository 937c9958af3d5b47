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
        # Messy, and plain to a reader.
        ("```python\r\ndef f(): return 1\r\n```", "def f(): return 1"),
        ("<think>\n```python\ndraft\n```\n</think>\n```python\nanswer\n```", "answer"),
        ("<think>[PYTHON]\ndraft\n[/PYTHON]", ""),
        ("a draft</think>[PYTHON]\nanswer\n[/PYTHON]", "answer"),
        ('```python title="a.py"\nx = 1\n```', "x = 1"),
        ("```{python}\nx = 1\n```", "x = 1"),
        ("~~~python\nx = 1\n~~~", "x = 1"),
        ("````python\nx = 1\n````", "x = 1"),
        ("1. So:\n   ```python\n   def f():\n       return 1\n   ```", "def f():\n    return 1"),
        ("[PYTHON]\n```python\nx = 1\n```\n[/PYTHON]", "x = 1"),
        ('```python\nx = "say ```this```"\n```', 'x = "say ```this```"'),
        ("", ""),
    ],
)
def test_extraction(text, code):
    assert extract_code(text) == code


def test_the_official_way_looks_into_thoughts_and_leaves_the_rest_as_it_is():
    thought = "<think>\n```python\ndraft\n```\n</think>\n```python\nanswer\n```"
    assert extract_code(thought, official=True) == "draft"
    fenced = "[PYTHON]\n```python\nx = 1\n```\n[/PYTHON]"
    assert extract_code(fenced, official=True) == "```python\nx = 1\n```"
    assert extract_code("[PYTHON]\nx", official=True, strict=False) == "x"


def test_lenient_takes_an_unclosed_block():
    assert extract_code("[PYTHON]\nx = 1", strict=False) == "x = 1"
    assert extract_code("```python\nx = 1", strict=False) == "x = 1"
