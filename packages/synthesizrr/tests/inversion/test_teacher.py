from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

from synthesizrr.inversion.planning import GenerateConfig, plan_prompts, shared_share
from synthesizrr.inversion.teacher import (
    generate,
    open_generations,
)
from synthesizrr.inversion.window import context_window
from synthesizrr.records import Generation, read_rows
from tenpapers.generation import Request, Sampling
from tenpapers.journal import Journal

from ..conftest import AG, inputs, pool, read_lines

SHORT = GenerateConfig(shots=1, max_new_tokens=6, seed=3)


@contextmanager
def kept(file):
    """The generations of a file, as a run keeps them."""
    with Journal.of_file(file, key={}) as journal, open_generations(journal, file.name) as log:
        yield log


def test_a_generation_has_its_whole_origin(tmp_path, teacher, tokenizer):
    out = tmp_path / "generations.jsonl"
    with kept(out) as log:
        counts = generate(inputs(), pool(), AG, teacher, SHORT, log=log, tokenizer=tokenizer)
    rows = read_rows(out, Generation)
    assert counts["asked"] == 4 and counts["failed"] == 0 and counts["output_tokens"] > 0
    assert sorted(row.id for row in rows) == ["in0", "in1", "in2", "in3"]
    for row in rows:
        assert row.shots_used == len(row.icl_ids) == 1 and row.icl_ids[0].startswith(row.label)
        assert (row.model, row.temperature, row.top_p) == ("hf:tiny-teacher", 0.95, 0.9)
        assert len(row.prompt_sha256) == 64 and row.unknown == {"note": int(row.id[2:])}


def test_order_and_company_change_nothing(tmp_path, teacher, tokenizer):
    """The same shots and the same text for an input, however it is asked."""
    texts = []
    for name, rows in (("a", inputs()), ("b", inputs()[::-1]), ("c", inputs()[1:2])):
        with kept(tmp_path / name) as log:
            generate(rows, pool(), AG, teacher, SHORT, log=log, tokenizer=tokenizer)
        texts.append(
            {
                row.id: (row.icl_ids, row.generation)
                for row in read_rows(tmp_path / name, Generation)
            }
        )
    assert texts[0] == texts[1] and texts[2]["in1"] == texts[0]["in1"]


def test_what_is_there_is_not_asked_again(tmp_path, teacher, tokenizer):
    out = tmp_path / "generations.jsonl"
    with kept(out) as log:
        generate(inputs(2), pool(), AG, teacher, SHORT, log=log, tokenizer=tokenizer)
    with out.open("a") as stream:
        stream.write('{"id": "in2", "lab')  # a kill in the middle of a line
    before = teacher.calls
    with kept(out) as log:
        counts = generate(inputs(4), pool(), AG, teacher, SHORT, log=log, tokenizer=tokenizer)
    assert (counts["asked"], counts["done_before"], teacher.calls - before) == (2, 2, 2)
    assert sorted(row["id"] for row in read_lines(out)) == ["in0", "in1", "in2", "in3"]


def test_groups_give_the_same_text_with_and_without_a_shared_prefix(tmp_path, teacher, tokenizer):
    grouped = replace(SHORT, icl_groups=1, temperature=0.0)
    rows = [row.model_copy(update={"label": "World"}) for row in inputs()]
    with kept(tmp_path / "all") as log:
        counts = generate(rows, pool(), AG, teacher, grouped, log=log, tokenizer=tokenizer)
    assert counts["shared_prompt_share"] > 0.4
    whole = {row.id: row for row in read_rows(tmp_path / "all", Generation)}
    assert len({tuple(row.icl_ids) for row in whole.values()}) == 1
    prompts = plan_prompts(rows, pool(), AG, grouped, tokenizer)
    for prompt in prompts:
        sampling = Sampling(max_tokens=6, stop=("\n\nNews article:", "Summary:"))
        alone = teacher.generate([Request(id="x", prompt=prompt.content, sampling=sampling)])
        assert alone[0].text == whole[prompt.row.id].generation


def test_whole_shots_go_until_a_prompt_fits(tokenizer):
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
    assert shared_share(prompts) > 0.3 > shared_share(prompts[::2][:1])


class Recorder:
    """A teacher that answers nothing and keeps what it is asked."""

    backend = SimpleNamespace(family="openai", model="recorder")

    def stream(self, requests, progress=None):
        self.requests = {request.id: request for request in requests}
        return iter(())


def test_requests_sample_as_the_settings_say(tmp_path, tokenizer):
    config = GenerateConfig(shots=1, temperature=0.7, top_p=0.8, max_new_tokens=11, seed=3)
    asked = []
    for rows in (inputs(), inputs()[2:]):
        recorder = Recorder()
        with kept(tmp_path / "g") as log:
            generate(rows, pool(), AG, recorder, config, log=log, tokenizer=tokenizer)
        asked.append(recorder.requests)
    for request in asked[0].values():
        sampling = request.sampling
        assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (0.7, 0.8, 11)
        assert sampling.stop == ("\n\nNews article:", "Summary:")
    assert len({request.sampling.seed for request in asked[0].values()}) == 4
    assert {name: asked[0][name] for name in asked[1]} == asked[1]
    own = replace(config, max_new_tokens=None)
    with kept(tmp_path / "g") as log:
        generate(inputs(1), pool(), AG, recorder, own, log=log, tokenizer=tokenizer)
    assert recorder.requests["in0"].sampling.max_tokens == AG.max_new_tokens


def test_the_models_window_limits_a_prompt_with_its_answer(tiny_teacher, tokenizer):
    window = context_window(f"hf:{tiny_teacher}")
    assert window and context_window("vllm:any?max_model_len=4096") == 4096
    assert context_window("openai:m@http://localhost:1/v1") is None
    free = plan_prompts(inputs(1), pool(), AG, GenerateConfig(shots=3), tokenizer)[0]
    config = GenerateConfig(shots=3, max_new_tokens=50)
    limited = plan_prompts(inputs(1), pool(), AG, config, tokenizer, window=free.n_tokens + 49)
    assert len(limited[0].shots) == 2 and not limited[0].too_long
    assert plan_prompts(inputs(1), pool(), AG, config, tokenizer, window=60)[0].too_long


def test_each_block_is_counted_once(tokenizer):
    """Twenty prompts of three demonstrations: a call for all of these, and one for the inputs."""
    calls = []

    def counting(texts, **more):
        calls.append(len(texts))
        return tokenizer(texts, **more)

    rows = [row.model_copy(update={"label": "World"}) for row in inputs(20)]
    for prompt in plan_prompts(rows, pool(), AG, GenerateConfig(shots=3), counting):
        exact = len(tokenizer(prompt.content)["input_ids"])
        assert exact <= prompt.n_tokens <= exact + 4
    assert calls == [3, 20]
