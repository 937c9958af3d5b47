import json

from codeupdatearena.synth.parse_responses import read_code, read_object, read_skeletons, substitute


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
