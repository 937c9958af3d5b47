import json

from tenpapers.testing import write_rows
from tocot.inputs.fetched.task_rows import (
    codex_plans,
    contexthub,
    gsm_hard,
    mmlu_demonstrations,
    musr,
    prontoqa,
)

from .forms import formula


def written(file, value):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))
    return file


def test_contexthub_gives_each_story_its_formula_and_reasoning(tmp_path):
    abstract = "aaa is True.\n(aaa or aab) -> aac.\nDeduce the result of aac."
    story = {"<aaa>": "It rains.", "<aac>": "It is wet.", "<nl>": "It rains. Is it wet?"}
    unwritten = {"<aaa>": "", "<nl>": ""}
    topics = {"human activities": {"Real-time sport": story, "Food": unwritten}}
    undecided = formula("x", "N/A", {"abstract": {"0": {"<nl>": "x"}}})
    stories = written(tmp_path / "logic.json", [formula(abstract, True, topics), undecided])
    reasoned = {"human activities": {"Real-time sport": story | {"gold_cot": "So True."}}}
    cot = written(tmp_path / "cot.json", [formula(abstract, True, reasoned), {}])
    first = {
        "id": "ch-deductive-l1-0-human_activities-Real-time_sport",
        "level": 1,
        "logic": "deductive",
        "root": 0,
        "domain": "human activities",
        "subdomain": "Real-time sport",
        "abstract": abstract,
        "question": "It rains. Is it wet?",
        "variables": {"aaa": "It rains.", "aac": "It is wet."},
        "gold": "True",
        "gold_cot": "So True.",
    }
    second = {
        "id": "ch-deductive-l1-1-abstract-0",
        "level": 1,
        "logic": "deductive",
        "root": 1,
        "domain": "abstract",
        "subdomain": "0",
        "abstract": "x",
        "question": "x",
        "variables": {},
        "gold": "N/A",
        "gold_cot": None,
    }
    assert list(contexthub(stories, "deductive", 1, cot)) == [first, second]
    without = list(contexthub(stories, "deductive", 1))
    assert without == [first | {"gold_cot": None}, second]


def test_of_a_few_shot_prompt_the_last_question_is_kept(tmp_path):
    prompt = "Question: old\n\n# solution using Python:\n...\n\n\n# Question: new?(a) 1(b) 2\n\n"
    row = {"generated_answer": "def solution():", "answer": "(a)", "is_correct": 0}
    file = write_rows(
        tmp_path / "a.jsonl", [{"question": f"{prompt}# solution using Python:\n", **row}]
    )
    assert list(codex_plans(file)) == [row | {"question": "new?(a) 1(b) 2", "idx": 0}]


def test_gsm_hard_gets_the_question_of_the_same_line(tmp_path):
    hard = write_rows(tmp_path / "hard.jsonl", [{"input": "9?", "target": 9.0}, {"input": "8?"}])
    plain = write_rows(tmp_path / "gsm.jsonl", [{"input": "1?"}, {"input": "2?"}, {"input": "3?"}])
    assert list(gsm_hard(hard, plain)) == [
        {"input": "9?", "target": 9.0, "idx": 0, "orig_question": "1?"},
        {"input": "8?", "idx": 1, "orig_question": "2?"},
    ]


def test_prontoqa_keeps_three_demonstrations(tmp_path):
    shots = {f"in_context_example{number}": {"answer": str(number)} for number in range(8)}
    file = written(tmp_path / "fictional" / "1hop.json", {"example1": shots | {"test_example": {}}})
    assert list(prontoqa(file)) == [
        {
            "id": "fictional-1hop-example1",
            "in_context_example0": {"answer": "0"},
            "in_context_example1": {"answer": "1"},
            "in_context_example2": {"answer": "2"},
            "test_example": {},
        }
    ]


def test_mmlu_demonstrations_come_from_one_yaml_a_subject(tmp_path):
    file = tmp_path / "mmlu_high_school_physics.yaml"
    file.write_text(
        "dataset_name: high_school_physics\nfewshot_config:\n  sampler: first_n\n  samples:\n"
        "  - question: 'What falls?\n\n      (A) all (B) none'\n    target: Let's think.\n"
    )
    assert list(mmlu_demonstrations([file])) == [
        {
            "subject": "high_school_physics",
            "index": 0,
            "question": "What falls?\n(A) all (B) none",
            "target": "Let's think.",
        }
    ]


def test_musr_drops_the_trees_of_its_reasoning(tmp_path):
    asked = {"question": "who?", "answer": 1, "choices": ["a", "b"]}
    story = {"context": "Once.", "questions": [asked | {"intermediate_trees": [{}]}]}
    file = written(tmp_path / "small.json", [story])
    assert list(musr(file, "murder_mystery")) == [
        {"id": "murder_mystery-0", "context": "Once.", "questions": [asked]}
    ]
