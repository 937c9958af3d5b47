from lofit.baselines.parameter_counts import base_parameters, parameter_counts
from transformers import GemmaConfig, LlamaConfig

LLAMA = {"vocab_size": 32000}


def test_parameter_counts():
    """From configurations alone."""
    seven = LlamaConfig(
        hidden_size=4096,
        intermediate_size=11008,
        num_hidden_layers=32,
        num_attention_heads=32,
        **LLAMA,
    )
    counts = parameter_counts(seven, 32)
    assert counts == {
        "lofit step 1 (scales)": 131_072,
        "lofit step 2 (K=32)": 4096,
        "lora": 4_194_304,
        "red": 262_144,
        "reft": 2_097_408,
    }
    assert parameter_counts(seven, 96)["lofit step 2 (K=96)"] == 12_288
    thirteen = LlamaConfig(hidden_size=5120, num_hidden_layers=40, num_attention_heads=40, **LLAMA)
    assert parameter_counts(thirteen, 48)["lofit step 2 (K=48)"] == 6144
    assert parameter_counts(thirteen, 48)["lofit step 1 (scales)"] == 204_800
    gemma = GemmaConfig(num_hidden_layers=28, num_attention_heads=16, head_dim=256)
    counts = parameter_counts(gemma, 16)
    assert (counts["lofit step 2 (K=16)"], counts["lofit step 1 (scales)"]) == (4096, 114_688)
    assert base_parameters(seven) == 6_738_415_616
