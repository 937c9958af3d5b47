import pytest
from codeupdatearena.synth.deduplication import canonical, dedup

BODY = "def {f}({x}):\n    {c}\n    return math.hypot({x}, {x}) + {n}\n"


def made(mini, codes):
    base = mini.examples[0]
    return [
        base.model_copy(update={"prog_syn_id": f"{i}", "ref_solution": code})
        for i, code in enumerate(codes)
    ]


def distinct(word, count):
    return "def f(x):\n" + "".join(f"    x = {word}{i}(x) - {i} * 7\n" for i in range(count))


def test_names_comments_annotations_and_docstrings_do_not_count(mini):
    first = BODY.format(f="area", x="side", c="# one", n=1)
    second = (
        "def size(edge: float) -> float:\n    '''Doc.'''\n    return math.hypot(edge, edge) + 1\n"
    )
    assert canonical(first) == canonical(second)
    assert canonical("import math\nmath.sin(x)") == "import math\nmath.sin(var0)"
    assert canonical("not python (") == "not python ("


def test_of_three_with_two_duplicates_all_remain(mini):
    codes = [BODY.format(f="a", x="b", c="# x", n=1), BODY.format(f="c", x="d", c="# y", n=1)]
    codes.append(distinct("g", 12))
    assert [e.prog_syn_id for e in dedup(made(mini, codes))] == ["0", "1", "2"]


def test_with_enough_others_both_duplicates_go(mini):
    codes = [distinct("g", 12), distinct("h", 30), distinct("k", 60)]
    codes += [BODY.format(f="a", x="b", c="", n=1), BODY.format(f="c", x="d", c="", n=1)]
    assert [e.prog_syn_id for e in dedup(made(mini, codes))] == ["0", "1", "2"]


@pytest.mark.parametrize(("extra", "survivors"), [(24, 0), (25, 2)])
def test_a_distance_of_24_is_a_duplicate_and_25_is_not(mini, monkeypatch, extra, survivors):
    monkeypatch.setattr(
        "codeupdatearena.synth.deduplication.tokenizer", lambda: (str.split, "words")
    )
    first = "not python ( " + "a " * 10
    assert len(dedup(made(mini, [first, first + "b " * extra]))) == survivors
