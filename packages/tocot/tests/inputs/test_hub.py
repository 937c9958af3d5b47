"""The hub, with a data set of the same form on disk."""

import pytest
from tenpapers.errors import UserError
from tenpapers.testing import write_rows
from tocot.inputs.hub import hub_rows
from tocot.inputs.load import read_items
from tocot.inputs.task_registry import task_spec


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
