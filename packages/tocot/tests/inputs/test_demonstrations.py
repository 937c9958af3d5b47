import pytest
from tenpapers.testing import write_rows
from tocot.answering.prompts import build_messages
from tocot.answering.run import plan_jobs
from tocot.inputs.demonstrations import contexthub_demonstrations, own_demonstrations, task_items
from tocot.inputs.task_registry import task_spec
from tocot.records import TaskItem, read_rows

from ..conftest import item


def test_demonstrations_from_a_file(tmp_path):
    rows = write_rows(tmp_path / "i.jsonl", [item(n).model_dump() for n in range(4)])
    shots = write_rows(tmp_path / "d.jsonl", [item(9, meta={"rationale": "r"}).model_dump()])
    items, demos = task_items("csqa", rows, 2, 0, ["fs_cot"], demos_file=shots)
    assert len(items) == 2 and [one.id for one in demos] == ["i9"]
    assert task_items("csqa", rows, 2, 0, ["zs_cot"], demos_file=shots)[1] == []


@pytest.mark.acceptance
def test_lsat_demonstrations_have_explanations(data):
    for part in ("ar", "lr", "rc"):
        items, demos = task_items(f"agieval_lsat_{part}", None, 2, 0, ["fs_cot"])
        assert 1 <= len(demos) <= 3 and all(one.meta["rationale"] for one in demos)
        prompt = build_messages(items[0], "fs_cot", demos=demos)
        shown = prompt.messages[2].content
        assert shown.endswith(f"The answer is therefore {demos[0].gold}") and len(shown) > 80
        assert demos[0].gold in demos[0].choices.label


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
