import json

import pytest
from tenpapers.errors import UserError
from tenpapers.testing import write_rows
from tocot.inputs.demonstrations import task_items
from tocot.inputs.load import load_task
from tocot.inputs.task_registry import task_spec

from ..conftest import item


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


OWN = "kind: letter\ngroup: Commonsense\nbudget: [8, 64]\nfile: birds.jsonl\n"
BIRD = {"id": 7, "question": "Which one hunts?", "choices": ["a hen", "an owl"], "gold": "an owl"}


def test_a_task_of_ones_own_is_one_file_beside_its_questions(tmp_path):
    file = tmp_path / "birds.yaml"
    file.write_text(OWN)
    write_rows(tmp_path / "birds.jsonl", [BIRD])
    (found,) = load_task(str(file))
    assert (found.id, found.task, found.gold) == ("7", str(file), "B")
    assert (found.choices.label, found.answer_kind) == (("A", "B"), "letter")
    spec = task_spec(str(file))
    assert (spec.file_name, spec.style, spec.budget) == ("birds.jsonl", "plain", (8, 64))


@pytest.mark.parametrize(
    ("content", "row", "told"),
    [
        ("group: Commonsense", BIRD, "birds.yaml: missing field 'kind'"),
        (OWN + "colour: red", BIRD, "birds.yaml: .*colour"),
        (OWN.replace("Commonsense", "Birds"), BIRD, "group 'Birds' is none"),
        (OWN, {"question": "q"}, "birds.jsonl:1: missing field 'gold'"),
        (OWN, BIRD | {"gold": "C"}, "gold 'C' is not among"),
        ("kind: letter", BIRD, "no field `file`"),
    ],
)
def test_what_does_not_fit_in_a_task_of_ones_own_is_told(tmp_path, content, row, told):
    file = tmp_path / "birds.yaml"
    file.write_text(content)
    write_rows(tmp_path / "birds.jsonl", [row])
    with pytest.raises(UserError, match=told):
        load_task(str(file))


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
