"""The documented GPU path: LoRA adapters trained in bfloat16, sampled by vLLM multi-LoRA."""

import pytest
import torch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here"),
]


def test_adapters_trained_on_the_gpu_answer_through_vllm(mini, tmp_path):
    pytest.importorskip("vllm")
    from codeupdatearena import EditConfig
    from codeupdatearena.editing.edits import EditPlan, edited_requests, train_adapters
    from codeupdatearena.sampling.prompts import demonstration
    from tenpapers.generation import Sampling, open_generator
    from tenpapers.models import load_causal_lm

    demo = demonstration()
    plan = EditPlan(mini, "ft-u", demo)
    lm = load_causal_lm("hf:smollm2?dtype=bfloat16&device=cuda")
    edits = train_adapters(lm, plan, mini.examples[:3], tmp_path, EditConfig())
    assert all(edit.losses[-1] < edit.losses[0] for edit in edits)
    requests = edited_requests(
        edits, mini, tmp_path, n=2, seed=1, demo=demo, sampling=Sampling(max_tokens=16)
    )
    with open_generator("vllm:smollm2", cache=False) as generator:
        done = generator.generate(requests)
    assert len(done) == 6 and not any(completion.failed for completion in done)
