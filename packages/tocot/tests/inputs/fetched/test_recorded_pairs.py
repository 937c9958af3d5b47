import pytest
from tenpapers.errors import UserError
from tocot.inputs.fetched.recorded_pairs import few_shot_pairs, zero_shot_pairs

from .forms import log, outputs


@pytest.fixture
def files(tmp_path):
    """Two files with the given contents."""

    def write(direct, cot):
        for name, content in (("direct", direct), ("cot", cot)):
            (tmp_path / name).write_bytes(content)
        return tmp_path / "direct", tmp_path / "cot"

    return write


def test_a_pair_of_logs_becomes_pairs_by_question(files):
    bag = "A bag  holds 2.\nHow much? Answer Choices: (A) $1 (B) (x, y) (C) none"
    direct = [
        (bag, "Among A through C, the answer is B. \n", "B", "C"),
        ("asked once", "The answer is A.", "A", "A"),
    ]
    cot = [(bag, "Let's think.\n\nC it is", "C", "C")]
    (pair,) = zero_shot_pairs("aqua", *files(log(direct), log(cot)))
    assert pair == {
        # sha1 of "aquaA bag holds 2. How much? Answer Choices: (A) $1 (B) (x, y) (C) none"
        "id": "kojima-aqua-64ca026584",
        "source": "zero_shot_cot",
        "task": "aqua",
        "model": "text-davinci-002",
        "shots": "zero",
        "category": "math",
        "answer_kind": "letter",
        "question": "A bag  holds 2.\nHow much?",
        "choices": {"label": ["A", "B", "C"], "text": ["$1", "(x, y)", "none"]},
        "gold": "C",
        "direct_response": "Among A through C, the answer is B. \n",
        "cot_response": "Let's think.\n\nC it is",
        "logged_direct_pred": "B",
        "logged_cot_pred": "C",
        "logged_direct_correct": False,
        "logged_cot_correct": True,
    }


def test_a_question_that_is_asked_twice_makes_two_pairs(files):
    direct = [("Is it?", "Yes.", "yes", "yes"), ("Is it?", "No.", "no", "yes")]
    cot = [("Is it?", "Hm, no.", "no", "yes"), ("Is it?", "", "", "yes")]
    first, second = zero_shot_pairs("coin_flip", *files(log(direct), log(cot)))
    assert second["id"] == first["id"] + "-2"
    assert (first["direct_response"], first["cot_response"]) == ("Yes.", "Hm, no.")
    assert (second["direct_response"], second["cot_response"]) == ("No.", "")
    assert second["logged_cot_pred"] == "" and not second["logged_cot_correct"]
    assert first["choices"] == {"label": ["A", "B"], "text": ["yes", "no"]}


def test_a_file_that_is_no_log_is_refused(files):
    with pytest.raises(UserError, match="no log of answers"):
        zero_shot_pairs("gsm8k", *files(b"404", b"404"))


def test_answers_that_cannot_be_told_apart_are_refused(files):
    two = log([("1 + 1?", "2", "2", "2"), ("2 + 2?", "4", "4", "4")])
    cut = two.replace(b"GT : 2\n", b"", 1)
    with pytest.raises(UserError, match="1 of 2 can be read"):
        zero_shot_pairs("gsm8k", *files(two, cut))


def test_a_pair_of_files_of_outputs_becomes_pairs(files):
    asked = "Pick the date.\nOptions:\n(A) 1 May\n(B) 2 May"
    thought = "It is May 2. So the answer is (B)."
    direct = outputs([(asked, "(A)", "(B)")])
    cot = outputs([(asked, thought, "(B)")], cot=True)
    (pair,) = few_shot_pairs("date_understanding", *files(direct, cot))
    assert pair == {
        # sha1 of "date_understandingPick the date. Options: (A) 1 May (B) 2 May"
        "id": "bbh-date_understanding-8f15130288",
        "source": "big_bench_hard",
        "task": "date_understanding",
        "model": "code-davinci-002",
        "shots": "few",
        "category": "spatial & temporal reasoning",
        "answer_kind": "letter",
        "question": "Pick the date.",
        "choices": {"label": ["A", "B"], "text": ["1 May", "2 May"]},
        "gold": "B",
        "direct_response": "(A)",
        "cot_response": thought,
        "logged_direct_pred": "(A)",
        "logged_cot_pred": "(B)",
        "logged_direct_correct": False,
        "logged_cot_correct": True,
        "canary": "GUID",
    }


@pytest.mark.parametrize(
    ("task", "question", "target", "wanted"),
    [
        ("navigate", "Back?\nOptions:\n- Yes\n- No", "No", ("No", ["Yes", "No"])),
        (
            "formal_fallacies",
            "So?\nOptions:\n- valid \n- invalid",
            "valid",
            ("valid", ["valid", "invalid"]),
        ),
        ("boolean_expressions", "not True is", "False", ("False", ["True", "False"])),
        ("object_counting", "How many?", "7", ("7", None)),
        # A published target that is no label stays as it is.
        (
            "ruin_names",
            "Which?\nOptions:\n(A) earth\n(B) wind",
            "earth, wind",
            ("earth, wind", ["earth", "wind"]),
        ),
    ],
)
def test_options_of_each_kind_of_task(files, task, question, target, wanted):
    content = outputs([(question, "x", target)])
    (pair,) = few_shot_pairs(task, *files(content, content))
    gold, texts = wanted
    assert (pair["gold"], pair["choices"] and pair["choices"]["text"]) == (gold, texts)
    assert "Options" not in pair["question"]
