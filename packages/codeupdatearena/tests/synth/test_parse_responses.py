import json

import pytest
from codeupdatearena.synth.parse_responses import read_code, read_object, read_skeletons, substitute
from codeupdatearena.synth.stored_model import Unfit


def test_parsing_of_responses():
    assert read_object('{"a": "x", "b": "y"}', ("a",)) == {"a": "x"}
    assert read_code("```py\n    x = math.sin(1)\n    y = 2\n```", "math.sin", "old_sin") == (
        "x = old_sin(1)\ny = 2"
    )
    assert substitute("def t():\n    # @ANSWER@\n    pass", "# @ANSWER@", "a = 1\nb = 2") == (
        "def t():\n    a = 1\n    b = 2\n    pass"
    )
    with_arguments = json.dumps(["def test_a(x): pass", "def test_b(): pass", "x = 1"])
    assert read_skeletons(with_arguments) == ["def test_b(): pass"]


def test_what_models_wrap_around_a_response_is_taken_away():
    thought = "<think>```py\n1\n```</think>\r\n"
    assert read_code(f"{thought}```python\r\nx = 1\r\n```\r\n") == "x = 1"
    test = "def test_a():\n    '```'"
    assert read_skeletons(f"Here:\n```json\n{json.dumps([test])}\n```") == [test]
    for code in ("\0", "(" * 500, "x ="):
        with pytest.raises(Unfit, match="does not parse"):
            read_code(f"```\n{code}\n```")
