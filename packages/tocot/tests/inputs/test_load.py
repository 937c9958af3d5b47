import json

import pytest
from tenpapers.errors import UserError
from tenpapers.testing import write_rows
from tocot.inputs.demonstrations import task_items
from tocot.inputs.load import load_task

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
