import pytest
from synthesizrr.inversion.prices import cost_usd


def test_costs():
    assert cost_usd("vllm:Llama-2-13b-chat-hf", 1_000_000, 500_000) == pytest.approx(1.25)
    assert cost_usd("openai:gpt-4", 100, 100) == pytest.approx(0.009)
    assert cost_usd("hf:smollm2", 10, 10) is None
