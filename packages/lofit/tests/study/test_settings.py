import pytest
from lofit.study.settings import Study, TrainSettings
from tenpapers.errors import UserError
from tenpapers.settings import load_config, load_scale


def test_paper_configs_are_the_released_scripts():
    small = load_scale(Study, "lofit", "paper")
    assert small.settings["clutrr"] == {"select_lr": 5e-4, "l1": 5e-3, "tune_lr": 1e-2}
    large = load_scale(Study, "lofit", "paper_llama2_13b")
    assert large.settings["mquake"] == {"select_lr": 1e-3, "l1": 1e-3, "tune_lr": 8e-3}
    gemma = load_scale(Study, "lofit", "paper_gemma_7b")
    assert gemma.settings["truthfulqa"]["tune_lr"] == 2e-2


def test_a_choice_in_a_file_is_checked_too(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("l1_mode: maybe\n")
    with pytest.raises(UserError, match="c.yaml: l1_mode: .*'loss' or 'prox'"):
        load_config(TrainSettings, file)


def test_settings_of_the_steps():
    settings = TrainSettings(select_lr=0.2, tune_lr=0.3, l1=0.4, epochs=6, batch_size=7, seed=8)
    select, tune = settings.select(), settings.tune()
    assert (select.lr, select.l1, select.epochs, select.batch_size) == (0.2, 0.4, 6, 7)
    assert (tune.lr, tune.l1, tune.epochs, tune.seed) == (0.3, 0.0, 6, 8)
