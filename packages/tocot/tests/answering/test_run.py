import time

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling
from tenpapers.generation.encoding import chat_text
from tenpapers.generation.hf import HFBackend
from tocot.answering.prompts import build_messages
from tocot.answering.run import run

from ..conftest import item, kept, sums


def test_the_prompt_ends_with_the_prefill(tiny, tmp_path):
    tokenizer = tiny.backend.lm.tokenizer
    prompt = build_messages(item(), "zs_direct", "prefill")
    assert prompt.prefill == "Answer: "
    text = chat_text(tokenizer, Request(id="1", messages=tuple(prompt.messages)))
    assert text.endswith(prompt.prefill) and text.count("<|im_start|>assistant") == 1
    with kept(tmp_path / "o.jsonl") as log:
        (row,) = run(tiny, [item()], ["zs_direct"], log, style="prefill", progress=False)
    assert row.response.startswith("Answer: ") and row.prefill == "Answer: "


@pytest.mark.parametrize(("name", "count", "shots"), [("tiny", 32, 5), ("model", 2, 1)])
def test_prefix_reuse_changes_no_text(name, count, shots, request):
    """Few-shot items: greedy texts with a shared prefix equal those without, in float32."""
    backend = request.getfixturevalue(name).backend
    demos = [sums(n, meta={"rationale": f"{n} + 4 makes it."}) for n in range(100, 100 + shots)]
    prompts = [build_messages(sums(n), "fs_cot", demos=demos) for n in range(count)]
    sampling = Sampling(max_tokens=8)
    requests = [
        Request(id=str(n), messages=tuple(prompt.messages), sampling=sampling)
        for n, prompt in enumerate(prompts)
    ]
    shared = {reply.id: reply.text for reply in backend.stream(requests)}
    alone = HFBackend(backend.lm, share_prefix=False)
    assert shared == {reply.id: reply.text for reply in alone.stream(requests)}
    assert len(shared) == count and all(shared.values())


def test_a_run_grades_and_goes_on(tiny, tmp_path):
    items = [sums(n) for n in range(3)]
    given = {"budgets": (8, 12), "progress": False}
    with kept(tmp_path / "o.jsonl") as log:
        first = run(tiny, items[:2], ["zs_direct", "zs_cot"], log, **given)
    assert {(one.setting, one.id) for one in first} == {
        (setting, f"i{n}") for setting in ("zs_direct", "zs_cot") for n in range(2)
    }
    calls = tiny.calls
    with kept(tmp_path / "o.jsonl") as log:
        second = run(tiny, items, ["zs_direct", "zs_cot"], log, **given)
        with pytest.raises(UserError, match="one task a file"):
            run(tiny, [item(), sums()], ["zs_cot"], log)
    assert len(second) == 6 and tiny.calls - calls == 2
    assert all(row.new_tokens <= 12 and row.gold == "7" for row in second)
    with kept(tmp_path / "p.jsonl") as log:
        assert run(tiny, items, ["zs_cot"], log, deadline=time.monotonic() - 1) == []


def test_a_stop_pattern_ends_a_text(model):
    request = Request(
        id="1",
        prompt="One, two, three, four,",
        sampling=Sampling(max_tokens=12, stop_pattern=r"six|seven"),
    )
    plain = request.model_copy(update={"id": "2", "sampling": Sampling(max_tokens=12)})
    cut, whole = model.generate([request, plain])
    assert whole.text.startswith(cut.text) and cut.text.endswith(("six", "seven"))
    assert cut.finish_reason == "stop" and cut.n_output_tokens < whole.n_output_tokens


def test_a_prompt_that_is_too_long_is_skipped_and_recorded(tiny, tmp_path):
    long = item(question="word " * 9000)
    with kept(tmp_path / "o.jsonl") as log:
        (row,) = run(tiny, [long], ["zs_direct"], log, progress=False)
    assert row.errored and row.finish_reason == "too_long" and row.response is None
