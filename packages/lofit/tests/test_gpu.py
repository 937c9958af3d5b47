"""The documented GPU path: training in bfloat16, merged weights served by vLLM."""

import pytest
import torch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here"),
]


def test_offsets_trained_in_bfloat16_are_served_by_vllm(tmp_path, mini):
    pytest.importorskip("vllm")
    from lofit import tune_offsets
    from lofit.inputs.load_task import load_task
    from lofit.offsets.merge import merge
    from lofit.offsets.merge_check import verify_merge
    from lofit.records import TuneConfig
    from tenpapers.generation import Request, Sampling, open_generator
    from tenpapers.models import load_causal_lm

    lm = load_causal_lm("hf:smollm2?dtype=bfloat16&device=cuda")
    train = load_task("mquake", mini).train
    heads = [(20, 1), (25, 3)]
    adapter = tune_offsets(lm.model, lm.tokenizer, train, heads, TuneConfig(epochs=2))
    assert adapter.values.dtype == torch.float32 and adapter.values.isfinite().all()
    merge(lm.model, adapter).save_pretrained(tmp_path)
    lm.tokenizer.save_pretrained(tmp_path)
    assert verify_merge(lm.model, adapter, tmp_path, lm.tokenizer).ok
    with open_generator(f"vllm:{tmp_path}", cache=False) as generator:
        (done,) = generator.generate(
            [Request(id="1", prompt=train[0].prompt, sampling=Sampling(max_tokens=4))]
        )
    assert not done.failed
