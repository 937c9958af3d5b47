import json
import os
import signal
import subprocess
import sys
import time

import pytest
from synthesizrr.inputs.task import load_task
from synthesizrr.inversion.prices import cost_usd
from synthesizrr.inversion.teacher import (
    GenerateConfig,
    generate,
    load_tokenizer,
    plan_prompts,
    shared_share,
)
from synthesizrr.records import Generation, IclRow, InputRow, read_rows
from tenpapers.errors import UserError

from .conftest import read_lines, write_rows

AG = load_task("ag_news")
SHORT = GenerateConfig(shots=1, max_new_tokens=6, seed=3)


def inputs(n=4):
    return [
        InputRow(
            id=f"in{i}",
            label=list(AG.labels)[i % 4],
            context=f"Document number {i}.",
            doc_id=f"d{i}",
            note=i,
        )
        for i in range(n)
    ]


def pool(n=3):
    return [
        IclRow(
            id=f"{label}{i}",
            label=label,
            example_text=f"Example {i} of {label}.",
            context=f"Shown document {i}.",
            seed_id=f"s{i}",
        )
        for label in AG.labels
        for i in range(n)
    ]


def test_a_generation_has_its_whole_origin(tmp_path, teacher, tokenizer):
    out = tmp_path / "generations.jsonl"
    counts = generate(inputs(), pool(), AG, teacher, SHORT, out, tokenizer=tokenizer)
    rows = read_rows(out, Generation)
    assert counts["asked"] == 4 and counts["failed"] == 0 and counts["output_tokens"] > 0
    assert sorted(row.id for row in rows) == ["in0", "in1", "in2", "in3"]
    for row in rows:
        assert row.shots_used == len(row.icl_ids) == 1 and row.icl_ids[0].startswith(row.label)
        assert (row.model, row.temperature, row.top_p) == ("hf:smollm2", 0.95, 0.9)
        assert len(row.prompt_sha256) == 64 and row.unknown == {"note": int(row.id[2:])}


def test_order_and_company_change_nothing(tmp_path, teacher, tokenizer):
    """Check 17: the same shots and the same text for an input, however it is asked."""
    texts = []
    for name, rows in (("a", inputs()), ("b", inputs()[::-1]), ("c", inputs()[1:2])):
        generate(rows, pool(), AG, teacher, SHORT, tmp_path / name, tokenizer=tokenizer)
        texts.append(
            {
                row.id: (row.icl_ids, row.generation)
                for row in read_rows(tmp_path / name, Generation)
            }
        )
    assert texts[0] == texts[1] and texts[2]["in1"] == texts[0]["in1"]


def test_what_is_there_is_not_asked_again(tmp_path, teacher, tokenizer):
    out = tmp_path / "generations.jsonl"
    generate(inputs(2), pool(), AG, teacher, SHORT, out, tokenizer=tokenizer)
    with out.open("a") as stream:
        stream.write('{"id": "in2", "lab')  # a kill in the middle of a line
    before = teacher.calls
    counts = generate(inputs(4), pool(), AG, teacher, SHORT, out, tokenizer=tokenizer)
    assert (counts["asked"], counts["done_before"], teacher.calls - before) == (2, 2, 2)
    assert sorted(row["id"] for row in read_lines(out)) == ["in0", "in1", "in2", "in3"]


def test_groups_give_the_same_text_with_and_without_a_shared_prefix(tmp_path, teacher, tokenizer):
    grouped = SHORT.model_copy(update={"icl_groups": 1, "temperature": 0.0})
    rows = [row.model_copy(update={"label": "World"}) for row in inputs()]
    counts = generate(rows, pool(), AG, teacher, grouped, tmp_path / "all", tokenizer=tokenizer)
    assert counts["shared_prompt_share"] > 0.4
    whole = {row.id: row for row in read_rows(tmp_path / "all", Generation)}
    assert len({tuple(row.icl_ids) for row in whole.values()}) == 1
    from tenpapers.generation import Request, Sampling

    prompts = plan_prompts(rows, pool(), AG, grouped, tokenizer)
    for prompt in prompts:
        sampling = Sampling(max_tokens=6, stop=("\n\nNews article:", "Summary:"))
        alone = teacher.generate([Request(id="x", prompt=prompt.content, sampling=sampling)])
        assert alone[0].text == whole[prompt.row.id].generation


def test_whole_shots_go_until_a_prompt_fits(tokenizer):
    """Check 18."""
    rows = inputs(1)
    free = plan_prompts(rows, pool(), AG, GenerateConfig(shots=3), tokenizer)[0]
    one = plan_prompts(rows, pool(), AG, GenerateConfig(shots=1), tokenizer)[0]
    tight = plan_prompts(
        rows, pool(), AG, GenerateConfig(shots=3, max_prompt_tokens=one.n_tokens + 4), tokenizer
    )[0]
    assert (len(free.shots), len(tight.shots)) == (3, 1)
    assert tight.shots[0] == free.shots[-1]  # dropped from the front
    bare = plan_prompts(rows, pool(), AG, GenerateConfig(shots=3, max_prompt_tokens=16), tokenizer)
    assert bare[0].shots == () and "Document number 0." in bare[0].content


def test_prompts_with_the_same_shots_stand_together(tokenizer):
    config = GenerateConfig(shots=2, icl_groups=1)
    prompts = plan_prompts(inputs(8), pool(), AG, config, tokenizer)
    labels = [prompt.row.label for prompt in prompts]
    assert labels == sorted(labels)
    assert shared_share(prompts, tokenizer) > 0.3 > shared_share(prompts[::2][:1], tokenizer)


def test_tokenizers_by_spec(tokenizer):
    assert load_tokenizer("smollm2").vocab_size == tokenizer.vocab_size
    with pytest.raises(UserError, match="has no tokenizer here"):
        load_tokenizer("openai:gpt-4")
    with pytest.raises(UserError, match="cannot be loaded"):
        load_tokenizer("hf:/nowhere")


def test_costs():
    assert cost_usd("vllm:Llama-2-13b-chat-hf", 1_000_000, 500_000) == pytest.approx(1.25)
    assert cost_usd("openai:gpt-4", 100, 100) == pytest.approx(0.009)
    assert cost_usd("hf:smollm2", 10, 10) is None


def test_a_killed_run_goes_on_without_doubles(tmp_path):
    """Check 17, with the command itself."""
    rows = [row.model_dump() for row in inputs(24)]
    write_rows(tmp_path / "inputs.jsonl", rows)
    write_rows(tmp_path / "icl.jsonl", [row.model_dump() for row in pool()])
    out = tmp_path / "generations.jsonl"
    arguments = "--task ag_news --shots 1 --icl-groups 1 --max-new-tokens 8 --no-cache"
    command = [
        *(sys.executable, "-m", "synthesizrr", "generate", str(tmp_path / "inputs.jsonl")),
        *(str(tmp_path / "icl.jsonl"), *arguments.split(), "--out", str(out)),
    ]
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (out.exists() and out.stat().st_size):
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    first = read_lines(out)
    assert 0 < len(first) < 24
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["done_before"] >= len(first) - 1
    after = [row["id"] for row in read_lines(out)]
    assert len(after) == len(set(after)) == 24
