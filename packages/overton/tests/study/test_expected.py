from overton.study.expected import compare_trees


def test_every_number_is_compared_and_words_are_none():
    expected = {"_about": 1, "a": {"x": 1.0, "cos": 0.5, "name": "m"}, "b": [0.25, 3]}
    found = compare_trees(expected, {"a": {"x": 1.00005, "cos": 0.5015}, "b": [0.26]})
    assert [(one.name, one.agrees) for one in found] == [
        ("a/x", True),
        ("a/cos", True),
        ("b/0", False),
        ("b/1", False),
    ]
    assert len(compare_trees(expected, {}, cosines=False)) == 3
