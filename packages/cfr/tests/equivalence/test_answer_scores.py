import tarfile

import pytest
from cfr.equivalence.answer_scores import AnswerRow, AnswerScorer, by_lerc, by_meteor, open_scorer
from cfr.scoring.meteor import Meteor
from tenpapers.errors import UserError


def row(candidate, *references, **more):
    return AnswerRow(question="q", references=references or ("red",), candidate=candidate, **more)


def letters(asked):
    """Scores an answer by how much longer the right one is."""
    return [len(one.candidate) / len(one.reference) for one in asked]


def test_the_nearest_right_answer_counts():
    scorer = AnswerScorer("letters", letters)
    assert scorer.score([row("ab", "abcd", "abcde")]) == [0.5]


def test_no_answer_scores_nothing_and_asks_nobody():
    scorer = AnswerScorer("letters", letters)
    rows = [row(None), row("  "), row("ab", answered=False)]
    assert scorer.score(rows) == [0, 0, 0] and scorer.n_compared == 0


def test_a_right_answer_word_by_word_is_not_compared():
    scorer = AnswerScorer("letters", letters)
    assert scorer.score([row("The RED.", "blue", "red")]) == [1] and scorer.n_compared == 0


def test_equal_comparisons_are_made_once():
    scorer = AnswerScorer("letters", letters)
    assert scorer.score([row("ab", "abcd"), row("ab", "abcd")]) == [0.5, 0.5]
    assert scorer.n_compared == 1


def test_meteor_is_meteor_for_a_right_answer_too():
    scorer = by_meteor(Meteor())
    assert scorer.name == "meteor_nosyn"
    assert scorer.score([row("a b c d", "a b c d")]) == [0.9921875]


def test_token_f1_by_name():
    assert open_scorer("f1").score([row("red car", "blue bus", "red bus")]) == [0.5]


def test_lerc_reads_the_context(lerc):
    scorer = by_lerc(lerc)
    rows = [row("blue", context="It was red."), row("blue", context="It was blue.")]
    first, second = scorer.score(rows)
    wanted = lerc.score(["It was red."], ["q"], ["red"], ["blue"])[0]
    assert scorer.name == "lerc" and first == pytest.approx(wanted, abs=1e-6) and first != second


def test_one_text_is_one_right_answer():
    assert AnswerRow(question="q", references="red", candidate="x").references == ["red"]


def test_what_cannot_be_scored_is_said():
    with pytest.raises(UserError, match="row 1: 'q' has no right answer"):
        AnswerScorer("letters", letters).score(
            [AnswerRow(question="q", references=[], candidate="x")]
        )


def test_lerc_is_the_released_one_where_that_lies_among_the_data(lerc, tmp_path, monkeypatch):
    monkeypatch.setenv("TENPAPERS_DATA", str(tmp_path))
    (tmp_path / "cfr").mkdir()
    with pytest.raises(UserError, match=r"lerc-2020-11-18\.tar\.gz is not among the paper's data"):
        open_scorer("lerc")
    lerc.save(tmp_path / "model")
    with tarfile.open(tmp_path / "cfr" / "lerc-2020-11-18.tar.gz", "w:gz") as packed:
        for file in (tmp_path / "model").iterdir():
            packed.add(file, file.name)
    wanted = lerc.score([""], ["q"], ["red"], ["blue"])[0]
    assert open_scorer("lerc").score([row("blue")]) == [pytest.approx(wanted, abs=1e-6)]
