from codeupdatearena.scoring.reference_likelihood import call_spans, normalised


def test_call_tokens_are_those_inside_calls_of_the_updated_function(mini):
    example = normalised(mini.examples[0])
    code = example.ref_solution
    (span,) = call_spans(code, example)
    assert code[slice(*span)] == "math.hypot(a[0] - b[0], a[1] - b[1], scale=1000)"
    method = normalised(next(e for e in mini.examples if e.update.package == "pandas"))
    (span,) = call_spans(method.ref_solution, method)
    assert method.ref_solution[slice(*span)] == "pandas.DataFrame(orders).head()"
