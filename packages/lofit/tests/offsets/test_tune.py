import hashlib

import torch
from lofit.heads.select import select_on_tokens
from lofit.offsets.adapter import LofitAdapter
from lofit.offsets.tune import tune_on_tokens
from lofit.records import SelectConfig, TuneConfig
from lofit.training.losses import CompletionLoss
from lofit.training.supervised_forward import SupervisedForward
from tenpapers.models import AttentionLayout
from tenpapers.testing import tiny_model

from ..conftest import sequences


def digest(model):
    state = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        state.update(name.encode() + value.numpy().tobytes())
    return state.hexdigest()


def test_only_the_offsets_change():
    model = tiny_model("llama")
    before, wanted = digest(model), [p.requires_grad for p in model.parameters()]
    config = TuneConfig(lr=0.5, epochs=10, batch_size=16)  # every step sees all sixteen
    adapter, log = tune_on_tokens(model, sequences(), [(1, 2), (3, 0)], config)
    assert digest(model) == before and [p.requires_grad for p in model.parameters()] == wanted
    assert adapter.values.shape == (2, 16) and log.trainable == 32
    assert len(log.losses) == 10 and log.losses[-1] < log.losses[0]


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        made = []
        for run, seed in enumerate((1, 1, 2)):
            model = tiny_model("llama")
            ranking = select_on_tokens(model, sequences(), SelectConfig(epochs=1, seed=seed))
            ranking.save(tmp_path / str(run), AttentionLayout.from_model(model).geometry)
            adapter, _ = tune_on_tokens(
                model, sequences(), ranking.top(2), TuneConfig(epochs=1, seed=seed)
            )
            adapter.save(tmp_path / str(run) / "adapter")
            files = (
                "heads.json",
                "adapter/adapter_model.safetensors",
                "adapter/adapter_config.json",
            )
            made.append([(tmp_path / str(run) / name).read_bytes() for name in files])
    finally:
        torch.set_num_threads(threads)
    assert made[0] == made[1]
    assert made[0][0] != made[2][0] and made[0][1] != made[2][1]


def test_the_scales_of_step_1_work_as_an_adapter():
    """The keep-A ablation: attached scales lower the loss they were trained on."""
    model = tiny_model("llama").requires_grad_(False)
    data = sequences(8)
    ranking = select_on_tokens(model, data, SelectConfig(lr=5e-2, l1=0.0, epochs=5))
    adapter = LofitAdapter.for_model(model.config, ranking.order, ranking.scale, component="scale")
    objective = CompletionLoss(SupervisedForward(model), data)
    with torch.no_grad():
        base = float(objective.loss(range(8)))
        with adapter.attach(model):
            assert float(objective.loss(range(8))) < base
