"""Every family of the one table loses heads; an unknown one by --o-proj-pattern."""

import pytest
import torch
from retrievalheads.heads.score_files import HeadScores
from retrievalheads.interventions.knockout import knockout
from tenpapers.models.families import FAMILIES
from tenpapers.testing import command, tiny_checkpoint

from ..conftest import logits, tiny, wrong

# Options without which a family is not as small as the others, or has no heads of 16.
SIZES = {
    "opt": {"ffn_dim": 96, "word_embed_proj_dim": 64},
    "mixtral": {"num_local_experts": 2},
    "gpt_oss": {"num_local_experts": 4, "head_dim": 16},
    "qwen3_moe": {"num_experts": 2, "num_experts_per_tok": 2, "head_dim": 16},
    **{name: {"head_dim": 16} for name in ("gemma", "gemma2", "gemma3_text", "glm", "glm4")},
}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_heads_of_every_family_can_be_switched_off(family):
    model = tiny(family, num_hidden_layers=2, **SIZES.get(family, {}))
    if family == "gemma2":
        model.set_attn_implementation("eager")
    base = logits(model)
    for kind in ("zero", "uniform"):
        with knockout(model, [(1, 0), (1, 2)], kind=kind):
            assert not torch.allclose(logits(model), base, atol=1e-4)
    assert torch.equal(logits(model), base)


def test_the_heads_of_an_unknown_family_are_named_by_a_pattern(world, tmp_path):
    """Helium is in no table; its projections are named like Llama's."""
    sizes = {"num_key_value_heads": 4, "head_dim": 16, "num_hidden_layers": 2}
    tiny_checkpoint(tmp_path / "helium", "helium", **sizes)
    scores = HeadScores("m", "copy", "teacher", torch.rand(1, 2, 4), ids=["a"])
    scores.save(tmp_path / "s.json")
    line = ["knockout", "--model", f"hf:{tmp_path / 'helium'}", "--scores", tmp_path / "s.json"]
    line += ["--data", world / "lh" / "test.jsonl", "--limit", 1, "--k", 1, "--control-seeds", 1]
    line += ["--no-answers", "--threshold", 2, "--out", tmp_path / "out"]
    assert "helium: unknown architecture; pass --o-proj-pattern" in wrong(*line)
    pattern = r"model\.layers\.\d+\.self_attn\.o_proj"
    command("retrievalheads", *line, "--o-proj-pattern", pattern)
    assert (tmp_path / "out" / "knockout.json").is_file()
