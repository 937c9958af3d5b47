import json

import pytest
import torch
from lofit.offsets.adapter import LofitAdapter
from lofit.offsets.merge import merge
from lofit.offsets.merge_check import PROMPTS, verify_merge
from lofit.scoring.evaluation import intervened
from lofit.serving.merged_folder import merged_folder
from tenpapers.generation import Generator, Request, Sampling, open_generator
from tenpapers.generation.hf import HFBackend
from tenpapers.journal import Journal
from tenpapers.models import Head


@pytest.fixture(scope="module")
def edited(lm, tmp_path_factory):
    """SmolLM2 with offsets on eight heads, and its merged folder."""
    draw = torch.Generator().manual_seed(7)
    heads = [Head(3 * i + 2, i) for i in range(8)]
    adapter = LofitAdapter.for_model(lm.model.config, heads, torch.randn(8, 64, generator=draw))
    folder = tmp_path_factory.mktemp("merged")
    merge(lm.model, adapter).save_pretrained(folder)
    lm.tokenizer.save_pretrained(folder)
    return adapter, folder


@pytest.mark.vllm
@pytest.mark.slow
def test_vllm_gives_the_text_of_the_hooked_model(lm, edited):
    """Sixteen greedy tokens on two prompts; transformers reads the folder below."""
    pytest.importorskip("vllm")
    adapter, folder = edited
    sampling = Sampling(max_tokens=16)
    requests = [Request(id=str(i), prompt=PROMPTS[i], sampling=sampling) for i in range(2)]

    def texts(generator):
        return [completion.text for completion in generator.generate(requests)]

    with intervened(lm, adapter) as (hooked, _):
        by_hooks = texts(Generator(HFBackend(hooked)))
    base = texts(Generator(HFBackend(lm)))
    with open_generator(f"vllm:{folder}?max_model_len=256", cache=False) as generator:
        by_vllm = texts(generator)
    assert by_hooks == by_vllm
    assert all(a != b for a, b in zip(by_hooks, base, strict=True))


def test_a_folder_that_a_kill_left_without_weights_is_made_anew(small, tmp_path, monkeypatch):
    """Killed between the configuration and the weights: nothing is there under the final name."""
    width = small.model.config.head_dim
    adapter = LofitAdapter.for_model(small.model.config, [Head(1, 1)], torch.ones(1, width))

    def killed(self, folder, *arguments, **settings):
        self.config.save_pretrained(folder)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, Journal(tmp_path, key={}) as journal:
        patched.setattr(type(small.model), "save_pretrained", killed)
        with pytest.raises(KeyboardInterrupt):
            merged_folder(small, adapter, journal)
        assert not list(tmp_path.glob(".merged-*/config.json"))
    with Journal(tmp_path, key={}) as journal:
        folder = merged_folder(small, adapter, journal)
        made = (folder / "model.safetensors").stat().st_mtime_ns
        assert merged_folder(small, adapter, journal) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made
    assert verify_merge(small.model, adapter, folder, small.tokenizer).ok


def test_the_merged_folder_of_a_real_model(lm, edited):
    """SmolLM2, merged against hooked, reloaded plainly."""
    adapter, folder = edited
    report = verify_merge(lm.model, adapter, folder, lm.tokenizer, length=4)
    assert report.ok and report.greedy_agreement == 1.0
    assert report.max_abs_logit_diff < 1e-3 < report.max_abs_change
    assert json.loads((folder / "config.json").read_text())["attention_bias"] is True
