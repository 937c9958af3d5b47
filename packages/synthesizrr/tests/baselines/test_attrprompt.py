import pytest
from synthesizrr.baselines.attrprompt import draw_attributes, load_attributes
from synthesizrr.baselines.run import generate_baseline
from synthesizrr.inputs.task import load_task
from synthesizrr.records import InputRow
from tenpapers.errors import UserError

from ..conftest import AG
from .conftest import counts, made


def test_attrprompt_draws_a_value_of_every_attribute(run, tmp_path):
    one = run("attrprompt")
    generate_baseline(one)
    assert counts(one) == {2} and {row.temperature for row in made(one)} == {1.0}
    ours = load_attributes(AG, None)
    for row in made(one):
        drawn = row.unknown["attributes"]
        assert drawn.keys() == ours.keys() and drawn["subtopic"] in ours["subtopic"][row.label]
    row = InputRow(id="x", label="Sci/Tech")
    nested = {"length": {"length": ["30"]}, "topic": {"sci_tech": ["robots"], "world": ["war"]}}
    assert draw_attributes(row, nested, 0) == {"length": "30", "topic": "robots"}
    file = tmp_path / "a.json"
    file.write_text(
        '{"agnews": {"length": {"length": ["30"]}}, "amazon": {"length": {"l": ["1"]}}}'
    )
    assert load_attributes(AG, file) == {"length": {"length": ["30"]}}
    with pytest.raises(UserError, match="no attributes of task sst2"):
        load_attributes(load_task("sst2"), None)
