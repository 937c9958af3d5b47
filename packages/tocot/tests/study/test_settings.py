import pytest
from tenpapers.errors import UserError
from tenpapers.generation.vllm import VLLMBackend
from tenpapers.models.spec import parse_spec
from tenpapers.settings import load_scale
from tocot.inputs.task_registry import registry
from tocot.study.settings import StudySettings, named_models, seconds, with_named_model

from ..conftest import fails


def study(name=None):
    return with_named_model(load_scale(StudySettings, "tocot", "paper", model=name))


def test_the_papers_models_by_name():
    llama = study("llama-2-7b")
    assert llama.model.startswith("vllm:meta-llama/") and llama.small_window
    assert study("gpt-4o").style == "chat_only" and study("smollm2").model == "smollm2"
    assert study().settings == ("zs_direct", "zs_cot", "fs_direct", "fs_cot")
    for settings in named_models().values():
        spec = parse_spec(settings["model"])
        if spec.backend == "vllm":
            VLLMBackend(spec)  # checks the options; nothing starts yet
    assert len(named_models()) == 10 and set(study().tasks) <= set(registry())


def test_times_have_units():
    assert [seconds(text) for text in ("200", "200s", "1.5m", "2h")] == [200, 200, 90, 7200]
    with pytest.raises(UserError, match="--time-budget soon: not a time"):
        seconds("soon")


def test_settings_that_do_not_fit_are_told(tmp_path):
    out = ["--out", tmp_path / "o"]
    fails("reproduce", "--time-budget", "soon", *out, told=["soon: not a time"])
    fails("reproduce", "--scale", "moon", *out, told=["'moon' is not one of 'cpu', 'paper'"])
    config = tmp_path / "study.yaml"
    config.write_text("models: [a]\n")
    fails("reproduce", "--config", config, *out, told=["models: unknown setting"])
    config.write_text("style: loud\n")
    fails("reproduce", "--config", config, *out, told=["study.yaml: style"])
