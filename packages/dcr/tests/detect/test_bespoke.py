import math

import numpy as np
import pytest
from dcr.detect.bespoke import BespokeScorer, output_of, yes_probability


def test_all_spellings_of_yes_count_and_nothing_else():
    tokens = {"Yes": math.log(0.5), "yes": math.log(0.2), " yes": math.log(0.1), "No": -3.0}
    assert yes_probability(tokens) == pytest.approx(0.7)
    assert yes_probability({"No": 0.0}) == 0


def test_the_best_chunk_counts_and_of_a_claims_sentences_the_worst():
    """By sentence and chunk 0.3 0.8 | 0.6 0.1: of 0.8 and 0.6 the lower."""
    first = [[{"Yes": math.log(prob)} for prob in some] for some in ((0.3, 0.8), (0.6, 0.1))]
    failed = [[{"Yes": -0.1}, "error: too long"]]
    found = output_of([first, failed])
    assert found.probs[0] == pytest.approx(0.6)
    assert found.chunk_probs[0] == pytest.approx([0.6, 0.1])
    assert np.isnan(found.probs[1]) and found.errors == {1: "error: too long"}


def test_its_options_are_those_of_vllm():
    scorer = BespokeScorer("bespoke-minicheck-7b?max_model_len=4096")
    assert str(scorer._backend._spec) == (
        "vllm:bespokelabs/Bespoke-MiniCheck-7B?trust_remote_code=true&max_model_len=4096"
    )
    other = BespokeScorer("bespoke-minicheck-7b:smollm2?max_model_len=512")
    assert str(other._backend._spec) == "vllm:smollm2?max_model_len=512"
