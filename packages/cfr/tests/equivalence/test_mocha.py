import json

import pytest
from cfr.equivalence.mocha import augmented, load_answer_pairs, load_minimal_pairs, load_mocha
from tenpapers.errors import UserError
from tenpapers.testing import write_rows


def row(question, reference, candidate, score, **more):
    texts = {"context": "c", "question": question, "reference": reference, "candidate": candidate}
    return texts | {"score": score} | more


def nested(file, **sets):
    tree = {name: {str(i): one for i, one in enumerate(rows)} for name, rows in sets.items()}
    file.write_text(json.dumps(tree))
    return file


def test_the_published_form_and_lines_are_read_alike(tmp_path):
    rows = [row("q", "r", "a", 3.5, metadata={"source": "x"})]
    published = load_mocha(nested(tmp_path / "train.json", drop=rows))
    lines = load_mocha(write_rows(tmp_path / "t.jsonl.gz", [rows[0] | {"dataset": "drop"}]))
    assert published == lines and published[0].dataset == "drop"


def test_right_answers_and_swapped_pairs_are_added(tmp_path):
    rows = [row("q", "r", "a", 5), row("q", "r", "b", 2), row("p", "s", "c", 4.5)]
    given = load_mocha(nested(tmp_path / "m.json", drop=rows, quoref=rows[1:2]))
    assert [
        (one.question, one.reference, one.candidate, one.score) for one in augmented(given)
    ] == [
        ("q", "r", "a", 5),
        ("q", "r", "r", 5),
        ("q", "a", "r", 5),
        ("q", "r", "b", 2),
        ("p", "s", "c", 4.5),
        ("p", "s", "s", 5),
        # the same question in another data set is new
        ("q", "r", "b", 2),
        ("q", "r", "r", 5),
    ]


def test_pairs_and_minimal_pairs(tmp_path):
    texts = {"context": "c", "question": "q", "reference": "r"}
    pairs = write_rows(tmp_path / "p.jsonl", [texts | {"candidate": "x", "same": False}])
    assert load_answer_pairs(pairs)[0].same is False
    minimal = texts | {"candidate1": "x", "candidate2": "y", "score1": 4, "score2": 2}
    (pair,) = load_minimal_pairs(nested(tmp_path / "m.json", drop=[minimal]))
    assert (pair.candidate, pair.second.candidate, pair.score, pair.score2) == ("x", "y", 4, 2)


def test_broken_rows_are_named(tmp_path):
    with pytest.raises(UserError, match="missing field 'score'"):
        load_mocha(
            write_rows(tmp_path / "a.jsonl", [{k: "x" for k in row("", "", "", 0) if k != "score"}])
        )
    with pytest.raises(UserError, match=r"score 0\.0: people's scores are 1 to 5"):
        load_mocha(write_rows(tmp_path / "b.jsonl", [row("q", "r", "a", 0)]))
    with pytest.raises(UserError, match="no rows in it"):
        load_mocha(nested(tmp_path / "c.json"))
