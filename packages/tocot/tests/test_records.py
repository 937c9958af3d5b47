"""Rows as people write them."""

import pytest
from pydantic import ValidationError
from tocot.records import Output, setting_name

ROW = {"id": 7, "task": "t", "setting": "zs_cot", "choices": ["a hen", "an owl"]}


@pytest.mark.parametrize("gold", ["B", "(B)", "b", "[B].", "an owl", 1])
def test_a_gold_answer_is_a_label_however_it_is_written(gold):
    row = Output.model_validate(ROW | {"gold": gold})
    assert (row.gold, row.id) == ("B", "7")


def test_a_gold_answer_that_is_none_of_the_options_stays():
    assert Output.model_validate(ROW | {"gold": "a cow"}).gold == "a cow"


@pytest.mark.parametrize(
    ("written", "setting"),
    [
        ("zs_CoT", "zs_cot"),
        ("zero-shot CoT", "zs_cot"),
        ("5-shot direct", "fs_direct"),
        ("0-shot direct", "zs_direct"),
        ("few_shot_cot", "fs_cot"),
        ("direct", "direct"),
        ("CoT", "cot"),
        ("Chain of Thought", "cot"),
        ("plan_tool", "plan_tool"),
    ],
)
def test_settings_as_people_write_them(written, setting):
    row = Output.model_validate(ROW | {"setting": written})
    assert (row.setting, row.arm) == (setting, "cot" if setting.endswith("cot") else "direct")


@pytest.mark.parametrize("written", ["", "zs", "cotton", "zs_cot_2"])
def test_a_setting_whose_arm_nobody_knows_is_refused(written):
    with pytest.raises(ValueError, match="is no setting"):
        setting_name(written)
    with pytest.raises(ValidationError):
        Output.model_validate(ROW | {"setting": written})
