import pytest
from codeupdatearena.sampling.prompts import render
from codeupdatearena.scoring.reference_likelihood import call_spans, measure, normalised


def test_call_tokens_are_those_inside_calls_of_the_updated_function(mini):
    example = normalised(mini.examples[0])
    code = example.ref_solution
    (span,) = call_spans(code, example)
    assert code[slice(*span)] == "math.hypot(a[0] - b[0], a[1] - b[1], scale=1000)"
    method = normalised(next(e for e in mini.examples if e.update.package == "pandas"))
    (span,) = call_spans(method.ref_solution, method)
    assert method.ref_solution[slice(*span)] == "pandas.DataFrame(orders).head()"


def test_the_likelihood_is_that_of_the_solutions_tokens_in_the_whole_text(mini, tiny):
    """Summed from the logits of every place, as a reader would do it."""
    import torch
    from tenpapers.models import load_causal_lm

    lm, example = load_causal_lm(f"hf:{tiny}"), normalised(mini.examples[0])
    text = render(example, None, False, True, False, show_test=False)
    with_header = render(example, None, False, True, True, show_test=False)
    found = measure(lm, example, part_u=False, header=False)
    code = example.ref_solution.strip()
    whole = text + with_header[with_header.index("[PYTHON]\n" + code[:10]) :]
    ids = lm.tokenizer(whole, return_offsets_mapping=True)
    with torch.inference_mode():
        chances = lm.model(torch.tensor([ids["input_ids"]])).logits[0].log_softmax(-1)
    first, last = whole.index(code), whole.index(code) + len(code)
    losses = [
        -float(chances[place - 1, token])
        for place, (token, (begin, end)) in enumerate(
            zip(ids["input_ids"], ids["offset_mapping"], strict=True)
        )
        if end > first and begin < last
    ]
    assert found.n_tokens == len(losses) > found.n_call_tokens > 0
    assert found.per_token == pytest.approx(sum(losses) / len(losses), rel=1e-5)
