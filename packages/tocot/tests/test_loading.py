import json

import pytest
from tenpapers.errors import UserError
from tocot.answering.prompts import build_messages
from tocot.answering.run import plan_jobs
from tocot.inputs.demonstrations import contexthub_demonstrations, own_demonstrations, task_items
from tocot.inputs.hub import hub_rows
from tocot.inputs.load import load_task, read_items
from tocot.inputs.row_items import SkippedRowError
from tocot.inputs.row_readers import READERS
from tocot.inputs.task_registry import registry, task_spec
from tocot.records import TaskItem, read_rows

from .conftest import item, write_rows

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


def test_own_items_and_what_is_wrong_with_them(tmp_path):
    file = write_rows(tmp_path / "i.jsonl", [item(n).model_dump() for n in range(4)])
    assert len(load_task("csqa", file)) == 4 and len(load_task("csqa", file, 2)) == 2
    assert load_task("csqa", file, seed=1) == load_task("csqa", file, seed=1)
    write_rows(file, [item(gold="Z").model_dump()])
    with pytest.raises(UserError, match="gold 'Z' is not among"):
        load_task("csqa", file)
    write_rows(file, [item(choices=None).model_dump()])
    with pytest.raises(UserError, match="no choices, but a letter is wanted"):
        load_task("csqa", file)
    write_rows(file, [{"goal": "g"}])
    with pytest.raises(UserError, match=r"i.jsonl:1: not a row of piqa: missing field 'label'"):
        load_task("piqa", file)
    with pytest.raises(UserError, match="pass --data FILE"):
        load_task("siqa")


def test_demonstrations_from_a_file(tmp_path):
    rows = write_rows(tmp_path / "i.jsonl", [item(n).model_dump() for n in range(4)])
    shots = write_rows(tmp_path / "d.jsonl", [item(9, meta={"rationale": "r"}).model_dump()])
    items, demos = task_items("csqa", rows, 2, 0, ["fs_cot"], shots)
    assert len(items) == 2 and [one.id for one in demos] == ["i9"]
    assert task_items("csqa", rows, 2, 0, ["zs_cot"], shots)[1] == []


@pytest.mark.acceptance
def test_lsat_demonstrations_have_explanations(data):
    for part in ("ar", "lr", "rc"):
        items, demos = task_items(f"agieval_lsat_{part}", None, 2, 0, ["fs_cot"])
        assert 1 <= len(demos) <= 3 and all(one.meta["rationale"] for one in demos)
        prompt = build_messages(items[0], "fs_cot", demos=demos)
        shown = prompt.messages[2].content
        assert shown.endswith(f"The answer is therefore {demos[0].gold}") and len(shown) > 80
        assert demos[0].gold in demos[0].choices.label


@pytest.mark.acceptance
def test_real_tasks_load(data):
    sizes = {
        "csqa": 597,
        "stratqa": 1390,
        "folio": 95,
        "gsm8k": 687,
        "gsm8k_hard": 687,
        "contexthub_abductive_level2": 393,
        "agieval_lsat_ar": 142,
    }
    assert {name: len(load_task(name)) for name in sizes} == sizes
    items, demos = task_items("gsm8k", None, 5, 0, ["fs_cot"])
    assert len(items) == 5 and len(demos) == 8
    assert not {one.id for one in items} & {one.id for one in demos}
    assert "<<" not in demos[0].meta["rationale"]
    assert json.dumps([one.model_dump() for one in items])


# -- the hub, with a data set of the same form on disk --------------------------------------------


@pytest.fixture
def on_disk(tmp_path):
    """A data set with two configurations, as `datasets` reads it from the hub."""
    head = ["---", "configs:"]
    for name, target in (("object_counting", "4"), ("snarks", "(B)")):
        question = "Pick\nOptions:\n(A) x\n(B) y" if name == "snarks" else "2+2"
        write_rows(tmp_path / name / "test.jsonl", [{"input": question, "target": target}] * 2)
        write_rows(tmp_path / name / "dev.jsonl", [{"input": question, "target": target}])
        head += [f"- config_name: {name}", "  data_files:"]
        for split in ("test", "dev"):
            head += [f"  - split: {split}", f"    path: {name}/{split}.jsonl"]
    (tmp_path / "README.md").write_text("\n".join([*head, "---", ""]))
    return tmp_path


def test_every_configuration_is_walked(on_disk, monkeypatch, tmp_path_factory):
    pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
    spec = task_spec("bbh").model_copy(update={"hub": str(on_disk)})
    assert spec.config == "*"
    items = read_items(spec, hub_rows(spec), spec.hub)
    names = "object_counting-1 object_counting-2 snarks-3 snarks-4"
    assert [one.id for one in items] == [f"bbh-{name}" for name in names.split()]
    assert [one.answer_kind for one in items] == ["number"] * 2 + ["letter"] * 2
    one = spec.model_copy(update={"config": "snarks"})
    assert [row["target"] for _, row in hub_rows(one, "dev")] == ["(B)"]
    for wrong in (
        {"config": "no_such"},
        {"config": "snarks", "split": "train"},
        {"hub": str(on_disk / "nothing")},
    ):
        with pytest.raises(UserError, match="cannot be loaded: .*pass --data FILE"):
            list(hub_rows(spec.model_copy(update=wrong)))


def test_a_task_without_a_home_is_told():
    with pytest.raises(UserError, match="is not on the hub and its file is not at hand"):
        next(hub_rows(task_spec("contexthub_deductive_level1")))


# -- demonstrations -------------------------------------------------------------------------------


def story(n, formula, domain, gold):
    meta = {"root": formula, "domain": domain, "rationale": "r"}
    return item(n, "contexthub_deductive_level1", gold=gold, meta=meta)


def test_contexthub_demonstrations():
    """Other formulas, none abstract, no two of a topic, the second with another answer."""
    pool = [
        story(1, 7, "arts", "A"),
        story(2, 1, "abstract", "A"),
        story(3, 1, "arts", "A"),
        story(4, 2, "sport", "A"),
        story(5, 2, "sport", "B"),
        story(6, 3, "arts", "B"),
        story(7, 3, "food", "A"),
    ]
    chosen = contexthub_demonstrations(pool, 3, "7")
    assert [one.id for one in chosen] == ["i3", "i5", "i7"]
    assert [one.id for one in contexthub_demonstrations(pool, 1)] == ["i1"]


@pytest.mark.parametrize(
    "name", ["csqa", "stratqa", "folio", "math", "mm_musr", "ta_musr", "op_musr", "biggen_bench"]
)
def test_our_own_demonstrations(name):
    spec = task_spec(name)
    demos = read_rows(own_demonstrations(spec), TaskItem)
    assert len(demos) == {"folio": 4, "ta_musr": 3}.get(name, spec.shots)
    for one in demos:
        assert one.task == name and len(one.meta["rationale"]) > 40
        if one.choices is not None:
            assert one.gold in one.choices.label
    # They are balanced enough not to teach one letter.
    assert len(demos) < 4 or len({one.gold for one in demos}) > 1
    for setting in ("fs_direct", "fs_cot"):
        (job,) = plan_jobs([demos[0]], [setting], demos=demos)
        text = "\n".join(turn.content for turn in job.prompt.messages)
        shown = spec.shown(setting) or len(demos)
        assert sum(one.question in text for one in demos) >= 1
        assert (demos[0].meta["rationale"] in text) == (setting == "fs_cot")
        assert len({one.id for one in demos[:shown]}) == shown


def test_plain_tasks_show_all_demonstrations_in_one_turn():
    demos = [item(n, gold="B", meta={"rationale": f"Because {n}."}) for n in (7, 8)]
    direct, cot = (build_messages(item(), name, demos=demos) for name in ("fs_direct", "fs_cot"))
    for prompt in (direct, cot):
        assert [turn.role for turn in prompt.messages] == ["system", "user"]
        text = prompt.messages[1].content
        assert text.index("Question 7?") < text.index("Question 8?") < text.index("Question 1?")
        assert text.count("Answer: B") == 2
    assert "Because 8.\nAnswer: B\n\nQuestion: Question 1?" in cot.messages[1].content
    assert "Because" not in direct.messages[1].content
    with pytest.raises(UserError, match=r"demonstration i7: no meta.rationale"):
        build_messages(item(), "fs_cot", demos=[item(7)])


def test_the_small_window():
    spec = task_spec("mmlu")
    assert [spec.new_tokens(name) for name in ("zs_direct", "fs_cot")] == [10, 1024]
    assert [spec.new_tokens(name, small_window=True) for name in ("zs_direct", "fs_cot")] == [
        10,
        800,
    ]
    assert (spec.shown("fs_cot"), spec.shown("fs_cot", small_window=True)) == (None, 3)
    gpqa = task_spec("gpqa")
    assert [gpqa.new_tokens(name, small_window=True) for name in ("zs_cot", "fs_cot")] == [
        2048,
        400,
    ]
    team = task_spec("ta_musr")
    assert (team.shown("fs_direct"), team.shown("fs_cot")) == (3, 1)
    demos = [item(n, "mmlu", meta={"rationale": "r"}) for n in range(10, 15)]
    for small, count in ((False, 5), (True, 3)):
        (job,) = plan_jobs([item(1, "mmlu")], ["fs_cot"], demos=demos, small_window=small)
        assert len(job.prompt.messages) == 2 + 2 * count
        assert job.prompt.max_new_tokens == (800 if small else 1024)
    names = {name for one in registry().values() for name in one.small_budget}
    assert names <= {"zs_direct", "zs_cot", "fs_direct", "fs_cot"}


@pytest.mark.acceptance
def test_demonstrations_of_real_items_are_of_other_formulas(data):
    items, demos = task_items("contexthub_deductive_level1", None, 20, 0, ["fs_cot"])
    assert len(items) == 20
    for one in items:
        shown = demos[one.demo_key]
        assert len(shown) == 3 and one.demo_key not in {demo.demo_key for demo in shown}
        assert one.id not in {demo.id for demo in shown}
    # Level 2 has no reasoning of its own.
    _, easier = task_items("contexthub_abductive_level2", None, 5, 0, ["fs_direct", "fs_cot"])
    assert {demo.task for demo in easier} == {"contexthub_abductive_level1"} and len(easier) == 3


def test_the_papers_models_by_name():
    from tenpapers.generation.vllm import VLLMBackend
    from tenpapers.models.spec import parse_spec
    from tocot.study.settings import named_models, read_study

    def study(name):
        return read_study("paper", None, model=name, seed=None, limit=None, time_budget=None)

    llama = study("llama-2-7b")
    assert llama.model.startswith("vllm:meta-llama/") and llama.small_window
    assert study("gpt-4o").style == "chat_only" and study("smollm2").model == "smollm2"
    assert study(None).settings == ["zs_direct", "zs_cot", "fs_direct", "fs_cot"]
    for one in named_models().values():
        spec = parse_spec(one["model"])
        if spec.backend == "vllm":
            VLLMBackend(spec)  # checks the options; nothing starts yet
    assert len(named_models()) == 10 and set(study(None).tasks) <= set(registry())


def test_demonstrations_of_another_task_are_shown_in_the_style_of_the_one_asked():
    own = item(7, task="my-quiz", meta={"rationale": "r"})
    for task in ("csqa", "mmlu"):
        text = "".join(
            turn.content for turn in build_messages(item(1, task), "fs_cot", demos=[own]).messages
        )
        first, second = ("(A) red" if task == "csqa" else "A. red"), "blue"
        assert text.count(first) == 2 and text.count(second) == 2
