import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, open_generator

from .conftest import PROMPTS, greedy_requests, needs_vllm


@pytest.mark.vllm
@needs_vllm
def test_vllm_in_process_gives_the_greedy_text_and_the_scores_of_transformers(expected, smollm2):
    """At least 7 of 8: two float32 kernels may break a tie of two tokens differently."""
    with open_generator("vllm:smollm2", cache=False) as generator:
        texts = {c.id: c.text for c in generator.generate(greedy_requests())}
        scores = generator.score(PROMPTS[0], [" Paris", " London"])
        long = Request(id="long", prompt="word " * 5000)
        (failed,) = generator.generate([long])
    assert sum(texts[name] == expected[name] for name in expected) >= 7
    for ours, theirs in zip(smollm2.score(PROMPTS[0], [" Paris", " London"]), scores, strict=True):
        assert ours.total == pytest.approx(theirs.total, abs=0.02)
    assert failed.failed and "do not fit the context" in failed.error


def test_unknown_options_of_vllm_are_told_before_anything_starts():
    with pytest.raises(UserError, match="unknown option speed"):
        open_generator("vllm:smollm2?speed=3")
    with pytest.raises(UserError, match="max_model_len=big is not a number"):
        open_generator("vllm:smollm2?max_model_len=big")
