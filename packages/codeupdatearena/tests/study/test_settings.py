import pytest
from codeupdatearena.study.settings import Study, find_arena
from tenpapers.settings import as_config, load_scale


@pytest.mark.parametrize("scale", ["cpu", "paper"])
def test_the_scales_that_ship_are_read(scale):
    study = load_scale(Study, "codeupdatearena", scale)
    assert study.proxy == (scale == "cpu")
    assert study.sampling.samples == study.samples
    assert Study(**as_config(study)) == study


def test_without_hub_and_data_the_small_arena_that_ships_is_taken(monkeypatch, tmp_path, mini):
    monkeypatch.setenv("TENPAPERS_DATA", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    arena, source = find_arena(Study())
    assert arena == mini and "ships with this package" in source
