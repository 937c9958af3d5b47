"""Settings of a study."""

import pytest
from retrievalheads.study.settings import Study
from tenpapers.settings import load_scale

from ..conftest import wrong


@pytest.mark.parametrize("scale", ["cpu", "paper", "paper-mistral"])
def test_shipped_settings_are_valid(scale):
    study = load_scale(Study, "retrievalheads", scale)
    assert study.world == ("toy" if scale == "cpu" else "real")
    assert set(study.tasks) == set(study.sources) or scale == "cpu"


def test_unknown_settings_are_told(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("wrold: toy\n")
    assert "wrold" in wrong("reproduce", "--config", file, "--out", tmp_path / "o")
    told = wrong("reproduce", "--scale", "big", "--out", tmp_path / "o")
    assert "--scale" in told and "'big'" in told and "paper-mistral" in told
    for given, told in (("world: moon", "world"), ("extras: [real-long]", "extras.0")):
        file.write_text(given + "\n")
        assert f"c.yaml: {told}" in wrong("reproduce", "--config", file, "--out", tmp_path / "o")
