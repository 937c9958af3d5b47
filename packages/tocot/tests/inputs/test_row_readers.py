import pytest
from tocot.inputs.row_items import SkippedRowError
from tocot.inputs.row_readers import READERS
from tocot.inputs.task_registry import task_spec

HUB_ROWS = {
    "siqa": (
        {
            "question": "q",
            "context": "c",
            "answerA": "a",
            "answerB": "b",
            "answerC": "d",
            "label": "2",
        },
        "B",
    ),
    "piqa": ({"goal": "g", "sol1": "a", "sol2": "b", "label": 1}, "B"),
    "winogrande": ({"sentence": "s", "option1": "a", "option2": "b", "answer": "1"}, "A"),
    "arc_easy": (
        {"question": "q", "choices": {"label": ["1", "2"], "text": ["a", "b"]}, "answerKey": "2"},
        "B",
    ),
    "csqa": (
        {"question": "q", "choices": {"label": ["A", "B"], "text": ["a", "b"]}, "answerKey": "B"},
        "B",
    ),
    "mmlu": ({"question": "q", "choices": ["a", "b"], "answer": 1, "subject": "law"}, "B"),
    "mmlu_pro": ({"question": "q", "options": ["a", "b"], "answer": "B", "category": "x"}, "B"),
    "musr": ({"narrative": "n", "question": "q", "choices": "['a', 'b']", "answer_index": 1}, "B"),
    "lsat": (
        {
            "query": "P one. Q: Who? Answer Choices: (A)a (B)b\nA: Among",
            "choices": ["(A)a", "(B)b"],
            "gold": [1],
        },
        "B",
    ),
    "mmlu_dev": ({"question": "q", "choices": ["a", "b"], "answer": 1, "subject": "law"}, "B"),
    "folio": (
        {"premises": "P.", "conclusion": "c", "label": "Uncertain", "story_id": 1, "example_id": 2},
        "C",
    ),
    "stratqa": ({"qid": "1", "question": "q", "answer": False}, "B"),
    "gsm8k": ({"question": "q", "answer": "So <<1+1=2>>2.\n#### 1,002"}, "1002"),
    "gsm8k_hard": ({"input": "q", "code": "c", "target": -2.5}, "-2.5"),
    "gpqa": (
        {
            "Question": "q",
            "Correct Answer": "a",
            "Incorrect Answer 1": "b",
            "Incorrect Answer 2": "c",
            "Incorrect Answer 3": "d",
        },
        None,
    ),
    "bbh": ({"input": "Pick\nOptions:\n(A) x\n(B) y", "target": "(B)"}, "B"),
    "math": ({"problem": "p", "solution": "so \\boxed{3}", "level": "1", "type": "t"}, "3"),
    "musique_all": (
        {
            "id": "m",
            "question": "q",
            "answer": "Rome",
            "answer_aliases": ["Roma"],
            "paragraphs": [{"title": "t", "paragraph_text": "p", "is_supporting": True}],
            "answerable": True,
        },
        ["Rome", "Roma"],
    ),
    "biggen_bench": (
        {
            "id": "b",
            "capability": "planning",
            "task": "travel",
            "input": "i",
            "system_prompt": "s",
            "reference_answer": "r",
            "score_rubric": {},
        },
        "r",
    ),
}


@pytest.mark.parametrize("name", HUB_ROWS)
def test_rows_as_the_hub_has_them(name):
    row, gold = HUB_ROWS[name]
    spec = task_spec({"musr": "mm_musr", "lsat": "agieval_lsat_ar"}.get(name, name))
    (found,) = READERS[name](spec, row, 1)
    assert found.task == spec.name
    if gold is None:
        assert found.choices.text[found.choices.label.index(found.gold)] == "a"
    else:
        assert found.gold == gold


def test_free_bbh_and_dropped_biggen_rows():
    spec = task_spec("bbh")
    (free,) = READERS["bbh"](spec, {"input": "2+2", "target": "4"}, 1)
    assert free.answer_kind == "number"
    (words,) = READERS["bbh"](spec, {"input": "not True is", "target": "False"}, 1)
    assert words.choices.text == ("True", "False") and words.gold == "B"
    row = HUB_ROWS["biggen_bench"][0]
    for change in (
        {"capability": "multilingual"},
        {"task": "table_reason"},
        {"input": "Think step by step."},
    ):
        with pytest.raises(SkippedRowError):
            READERS["biggen_bench"](task_spec("biggen_bench"), row | change, 1)
