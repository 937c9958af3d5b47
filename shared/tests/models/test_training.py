from types import SimpleNamespace

from tenpapers.models.training import progress_bar


def test_steps_and_loss_are_shown_on_one_line(capsys):
    bar = progress_bar("tune")
    state = SimpleNamespace(max_steps=4, global_step=1)  # a run that goes on after its first step
    bar.on_train_begin(None, state, None)
    bar.on_log(None, state, None, {"loss": "0.12345"})
    bar.on_log(None, state, None, {"eval_loss": 9.0})
    state.global_step = 3
    bar.on_step_end(None, state, None)
    bar.on_train_end(None, state, None)
    shown = capsys.readouterr().err
    assert "tune:  75%" in shown.split("\r")[-1] and "3/4" in shown and "loss=0.123" in shown
