"""The documented GPU path: LoRA adapters trained in bfloat16, sampled by vLLM multi-LoRA."""

import pytest
import torch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here"),
]


def test_adapters_trained_on_the_gpu_answer_through_vllm(mini, tmp_path):
    pytest.importorskip("vllm")
    from codeupdatearena.editing.edits import train_adapters
    from codeupdatearena.editing.sample_edited import edited_requests
    from codeupdatearena.editing.settings import ArmSettings
    from codeupdatearena.editing.training_sets import EditPlan
    from codeupdatearena.sampling.settings import SolutionSettings
    from tenpapers.generation import open_generator
    from tenpapers.journal import Journal
    from tenpapers.models import load_causal_lm

    settings = ArmSettings(arm="ft-u")
    plan = EditPlan.of(mini, settings)
    lm = load_causal_lm("hf:smollm2?dtype=bfloat16&device=cuda")
    with Journal(tmp_path, key={}) as journal:
        edits = train_adapters(lm, plan, mini.examples[:3], journal, settings)
    assert all(edit.losses[-1] < edit.losses[0] for edit in edits)
    asked = SolutionSettings(samples=2, temperature=0, top_p=1, max_tokens=16, seed=1)
    requests = edited_requests(edits, mini, tmp_path, asked)
    with open_generator("vllm:smollm2", cache=False) as generator:
        done = generator.generate(requests)
    assert len(done) == 6 and not any(completion.failed for completion in done)
