from synthesizrr.study.settings import Study
from tenpapers.settings import load_scale

from ..conftest import fails


def test_settings_of_both_scales(tmp_path):
    paper = load_scale(Study, "synthesizrr", "paper")
    assert paper.range == (0.4, 0.9) and paper.generate.temperature == 0.95
    assert {arm.shots for arm in paper.arms} == {0, 3, 32}
    fails("reproduce", "--scale", "big", "--out", tmp_path, told=["--scale", "big"])
