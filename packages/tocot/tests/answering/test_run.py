import time

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling
from tenpapers.generation.encoding import chat_text
from tenpapers.generation.hf import HFBackend
from tenpapers.testing import read_rows
from tocot.answering.prompts import build_messages
from tocot.answering.run import run

from ..conftest import item, sums


def test_the_prompt_ends_with_the_prefill(tiny, tmp_path):
    tokenizer = tiny.backend.lm.tokenizer
    prompt = build_messages(item(), "zs_direct", "prefill")
    assert prompt.prefill == "Answer: "
    text = chat_text(tokenizer, Request(id="1", messages=tuple(prompt.messages)))
    assert text.endswith(prompt.prefill) and text.count("<|im_start|>assistant") == 1
    (row,) = run(
        tiny, [item()], ["zs_direct"], tmp_path / "o.jsonl", style="prefill", progress=False
    )
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
    out = tmp_path / "o.jsonl"
    items = [sums(n) for n in range(3)]
    first = run(tiny, items[:2], ["zs_direct", "zs_cot"], out, budgets=(8, 12), progress=False)
    assert {(one.setting, one.id) for one in first} == {
        (setting, f"i{n}") for setting in ("zs_direct", "zs_cot") for n in range(2)
    }
    with out.open("a") as stream:
        stream.write('{"id": "i2", "se')
    calls = tiny.calls
    second = run(tiny, items, ["zs_direct", "zs_cot"], out, budgets=(8, 12), progress=False)
    assert len(second) == 6 and tiny.calls - calls == 2
    for row in read_rows(out):
        assert row["new_tokens"] <= 12 and row["gold"] == "7" and "api_key" not in row
    late = {"deadline": time.monotonic() - 1, "progress": False}
    assert run(tiny, items, ["zs_cot"], tmp_path / "p.jsonl", **late) == []
    with pytest.raises(UserError, match="one task a file"):
        run(tiny, [item(), sums()], ["zs_cot"], out)


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
    (row,) = run(tiny, [long], ["zs_direct"], tmp_path / "o.jsonl", progress=False)
    assert row.errored and row.finish_reason == "too_long" and row.response is None
