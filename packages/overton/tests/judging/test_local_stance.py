import random

import pytest
from overton.judging.local_stance import (
    FOLDS,
    Labelled,
    LocalStance,
    _placed,
    agreement,
    labelled,
)
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

# What a stance sounds like in these tests; each word is enough to know it.
SOUNDS = {"yes": "surely indeed", "no": "never nope", "both": "sides differ", "other": "weather"}


def rows(noise=0.0, count=40):
    """Responses to as many questions, two each; a share of the stances is drawn at random."""
    draw = random.Random(0)
    made = []
    for question in range(count):
        for stance in draw.sample(list(SOUNDS), 2):
            said = draw.choice(list(SOUNDS)) if draw.random() < noise else stance
            made.append(Labelled(question, f"Tea is {SOUNDS[said]} as they say", stance))
    return made


def test_what_was_learnt_is_said_of_new_responses():
    classifier = LocalStance(rows(), remember=False)
    assert classifier.label(["They never nope", "Well, sides differ"]) == ["no", "both"]
    assert classifier.label([]) == []
    assert classifier.label(["", "Нет, вредно", "они never nope"]) == [None, None, "no"]
    found = classifier.agreement
    assert (found.n, found.accuracy, found.kappa, found.macro_f1) == (80, 1.0, 1.0, 1.0)


def test_agreement_is_measured_on_questions_that_were_left_out():
    """Where a question's words alone tell its stance, nothing can be said of another question."""
    told = [
        Labelled(question, f"word{question} word{question}a", stance)
        for question in range(20)
        for stance in ("yes", "no") * 2
    ]
    found = agreement(told)
    assert abs(found.kappa) < 0.2 and found.majority == 0.5
    assert len({row.question for row in told}) > FOLDS


def test_agreement_falls_with_noise_and_chance_is_taken_off():
    found = agreement(rows(noise=0.5, count=150))
    assert 0.5 < found.accuracy < 0.75
    assert found.kappa < found.accuracy and found.majority < 0.35


def test_the_agreement_is_remembered_for_the_same_rows_only(tmp_path, monkeypatch):
    monkeypatch.setenv("TENPAPERS_CACHE", str(tmp_path))
    first = LocalStance(rows())
    (file,) = (tmp_path / "overton").glob("*.json")
    file.write_text(file.read_text().replace('"n": 80', '"n": 81'))
    assert LocalStance(rows()).agreement.n == 81
    other = LocalStance(rows(count=41))
    assert other.agreement.n == 82 and other.identity != first.identity


def test_first_and_last_words_are_marked():
    text = " ".join(f"w{n}" for n in range(14))
    words = _placed(f"Yes {text}").split()
    assert words[:2] == ["first_yes", "first_w0"] and "first_w11" not in words
    assert words[12] == "last_yes" and words[-1] == "last_w13"


def test_responses_are_joined_with_their_verdicts(tmp_path):
    place = tmp_path / "ConflictingQA"
    sample = {"metadata": {"instance_id": 3}, "outputs": ["Yes.", {"error": "x"}, "No."]}
    write_rows(place / "outputs" / "m.jsonl.gz", [sample])
    told = [
        {"metadata": {"instance_id": 3, "sample_index": index}, "ok": True, "stance": stance}
        for index, stance in enumerate(["yes", "no", "both"])
    ]
    write_rows(place / "eval-stance" / "m.parsed.jsonl.gz", told)
    write_rows(place / "eval-stance" / "unknown.parsed.jsonl.gz", told)
    assert list(labelled(tmp_path)) == [Labelled(3, "Yes.", "yes"), Labelled(3, "No.", "both")]
    with pytest.raises(UserError, match="no responses with verdicts; `overton data fetch`"):
        list(labelled(tmp_path / "elsewhere"))


@pytest.mark.acceptance
def test_the_classifier_agrees_with_the_papers_judge(data, capsys):
    found = agreement(list(labelled(data)))
    with capsys.disabled():
        print(f"\nlocal-stance: {found}")
    assert found.n == 8125 and found.accuracy >= 0.75 and found.kappa >= 0.60
    assert found.majority == pytest.approx(0.456, abs=0.01)
