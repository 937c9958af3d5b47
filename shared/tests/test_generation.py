import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import (
    Completion,
    CompletionCache,
    Generator,
    Request,
    Sampling,
    open_generator,
)
from tenpapers.generation.types import Message

PROMPTS = [
    "The capital of France is",
    "def add(a, b):\n    return",
    "Water boils at a temperature of",
    "Roses are red, violets are",
    "1, 2, 3, 4,",
    "Dear Sir or Madam, I am writing to you because of",
]


class Counting:
    """A backend that answers with the prompt in capitals and counts what it is asked."""

    family, model, revision = "counting", "m", "1"

    def __init__(self):
        self.asked = []

    def stream(self, requests):
        for request in requests:
            self.asked.append(request.id)
            failed = request.prompt == "bad"
            yield Completion(
                id=request.id,
                text=(request.prompt or "").upper(),
                finish_reason="error: refused" if failed else "stop",
            )

    def score(self, prompt, continuations):
        return []

    def close(self):
        pass


def test_a_second_run_asks_the_model_nothing(tmp_path):
    requests = [Request(id=str(i), prompt=f"p{i}") for i in range(5)]
    for asked in (5, 0):
        backend = Counting()
        with Generator(backend, CompletionCache(tmp_path / "c.sqlite")) as generator:
            assert [c.text for c in generator.generate(requests)] == ["P0", "P1", "P2", "P3", "P4"]
        assert len(backend.asked) == asked


def test_equal_requests_are_asked_once_and_answered_under_each_id(tmp_path):
    backend = Counting()
    requests = [Request(id="a", prompt="x"), Request(id="b", prompt="x")]
    with Generator(backend, CompletionCache(tmp_path / "c.sqlite")) as generator:
        assert [(c.id, c.text) for c in generator.generate(requests)] == [("a", "X"), ("b", "X")]
    assert backend.asked == ["a"]


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "other"},
        {"sampling": Sampling(seed=1)},
        {"sampling": Sampling(temperature=0.5)},
        {"prompt": None, "messages": (Message(role="user", content="x"),)},
    ],
)
def test_whatever_changes_the_answer_changes_the_key(tmp_path, change):
    backend = Counting()
    first = Request(id="a", prompt="x")
    with Generator(backend, CompletionCache(tmp_path / "c.sqlite")) as generator:
        generator.generate([first])
        generator.generate([first.model_copy(update=change)])
    assert len(backend.asked) == 2


def test_a_failed_request_is_a_completion_and_is_asked_again(tmp_path):
    backend = Counting()
    requests = [Request(id="a", prompt="bad"), Request(id="b", prompt="good")]
    with Generator(backend, CompletionCache(tmp_path / "c.sqlite")) as generator:
        for _ in range(2):
            bad, good = generator.generate(requests)
            assert bad.failed and good.text == "GOOD"
    assert backend.asked == ["a", "b", "a"]


def test_two_requests_with_one_id_are_refused():
    with pytest.raises(UserError, match="same id"):
        Generator(Counting()).generate([Request(id="a", prompt="x"), Request(id="a", prompt="y")])


def test_replay_gives_what_was_recorded_and_fails_the_rest(tmp_path):
    file = tmp_path / "r.jsonl"
    file.write_text('{"id": "a", "text": "t", "extra": 1}\n')
    with open_generator(f"replay:{file}") as generator:
        found, missing = generator.generate([Request(id="a"), Request(id="b")])
        assert (found.text, found.finish_reason, missing.failed) == ("t", "stop", True)
        with pytest.raises(UserError):
            generator.score("a", ["b"])
    file.write_text('{"id": "a"}\n')
    with pytest.raises(UserError, match=r"r.jsonl:1: text"):
        open_generator(f"replay:{file}")


# -- transformers ------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_text_does_not_depend_on_its_neighbours(smollm2, temperature):
    prefix = "Continue the following text in a simple and friendly way, please do it now.\n"
    requests = [
        Request(
            id=f"{i}.{seed}",
            prompt=prefix + prompt,
            sampling=Sampling(temperature=temperature, top_p=0.9, max_tokens=12, seed=seed),
        )
        for i, prompt in enumerate(PROMPTS)
        for seed in (0, 1)
    ]
    together = {c.id: c.text for c in smollm2.stream(requests)}
    alone = {c.id: c.text for request in requests for c in smollm2.stream([request])}
    assert together == alone
    if temperature:
        assert any(together[f"{i}.0"] != together[f"{i}.1"] for i in range(len(PROMPTS)))


def test_greedy_text_is_that_of_transformers_generate(smollm2):
    import torch

    lm = smollm2.lm
    requests = [Request(id=p, prompt=p, sampling=Sampling(max_tokens=16)) for p in PROMPTS]
    ours = {c.id: c.text for c in smollm2.stream(requests)}
    for prompt in PROMPTS:
        ids = lm.tokenizer(prompt, return_tensors="pt")
        with torch.inference_mode():
            made = lm.model.generate(**ids, do_sample=False, max_new_tokens=16)
        tail = made[0, ids["input_ids"].shape[1] :]
        assert ours[prompt] == lm.tokenizer.decode(tail, skip_special_tokens=True)


def test_stop_strings_length_and_chat(smollm2):
    stopped, cut, chat = (
        next(iter(smollm2.stream([request])))
        for request in (
            Request(id="s", prompt="1, 2, 3, 4,", sampling=Sampling(max_tokens=30, stop=("7",))),
            Request(id="l", prompt="1, 2, 3, 4,", sampling=Sampling(max_tokens=3)),
            Request(id="c", messages=(Message(role="user", content="Say hi."),)),
        )
    )
    assert stopped.finish_reason == "stop" and "7" not in stopped.text and "6" in stopped.text
    assert (cut.finish_reason, cut.n_output_tokens) == ("length", 3)
    assert chat.finish_reason == "stop" and chat.text


def test_a_prompt_that_does_not_fit_fails_alone(smollm2):
    long = Request(id="long", prompt="word " * 9000)
    short = Request(id="short", prompt="1, 2,", sampling=Sampling(max_tokens=2))
    found = {c.id: c for c in smollm2.stream([long, short])}
    assert found["long"].failed and "do not fit the context of 8192" in found["long"].finish_reason
    assert not found["short"].failed


def test_scores_are_the_models_log_probabilities(smollm2):
    import torch

    (score, longer) = smollm2.score("The capital of France is", [" Paris", " London, of course"])
    lm = smollm2.lm
    ids = lm.tokenizer("The capital of France is Paris", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        expected = lm.model(ids).logits[0, -2].log_softmax(-1)[ids[0, -1]].item()
    assert score.total == pytest.approx(expected, abs=1e-3)
    assert len(longer.tokens) > 1 and longer.total == pytest.approx(sum(longer.tokens))


def test_an_adapter_changes_only_its_own_requests(smollm2, tmp_path):
    import torch
    from peft import LoraConfig, get_peft_model

    plain = Request(id="plain", prompt=PROMPTS[0], sampling=Sampling(max_tokens=8))
    before = next(iter(smollm2.stream([plain]))).text
    torch.manual_seed(0)
    wrapped = get_peft_model(
        smollm2.lm.model,
        LoraConfig(r=4, lora_alpha=64, target_modules=["v_proj"], init_lora_weights=False),
    )
    wrapped.save_pretrained(tmp_path / "a")
    smollm2.lm.model = wrapped.unload()
    adapted = plain.model_copy(update={"id": "adapted", "adapter": str(tmp_path / "a")})
    again = plain.model_copy(update={"id": "again"})
    texts = {c.id: c.text for c in smollm2.stream([plain, adapted, again])}
    assert texts["plain"] == texts["again"] == before != texts["adapted"]


# -- killed and restarted ----------------------------------------------------------------------

RUN = """
import sys, time
from pathlib import Path
from tenpapers.generation import Completion, CompletionCache, Generator, Request

class Slow:
    family, model, revision = "slow", "m", "1"
    def stream(self, requests):
        for request in requests:
            with open(sys.argv[2], "a") as log:
                log.write(request.id + "\\n")
            time.sleep(0.01)
            yield Completion(id=request.id, text="t" + request.id, finish_reason="stop")
    def close(self): pass

with Generator(Slow(), CompletionCache(Path(sys.argv[1]))) as generator:
    done = generator.generate([Request(id=str(i), prompt=f"p{i}") for i in range(200)])
    print(len(done), all(c.text == "t" + c.id for c in done))
"""


def test_a_killed_run_of_200_requests_goes_on_without_loss_or_repetition(tmp_path):
    database, log = tmp_path / "c.sqlite", tmp_path / "asked.txt"
    command = [sys.executable, "-c", RUN, str(database), str(log)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE)
    while not log.exists():
        time.sleep(0.02)
    time.sleep(random.uniform(0.1, 1.5))
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    with sqlite3.connect(database) as connection:
        kept = {json.loads(b)["id"] for (b,) in connection.execute("select body from completion")}
    asked_before = log.read_text().split()
    assert 0 < len(kept) < 200
    # Everything asked was kept, but for the one in flight.
    assert len(asked_before) - len(kept) in (0, 1)
    log.write_text("")
    second = subprocess.run(command, capture_output=True, text=True, check=True)
    assert second.stdout == "200 True\n"
    asked_after = log.read_text().split()
    assert set(asked_after) == {str(i) for i in range(200)} - kept
    assert len(asked_after) == len(set(asked_after))


GEMMA_LIKE = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('System role not "
    "supported') }}{% endif %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def test_a_template_without_a_system_role_gets_it_with_the_question(smollm2):
    from copy import deepcopy

    from tenpapers.generation.encoding import chat_text

    tokenizer = deepcopy(smollm2.lm.tokenizer)
    tokenizer.chat_template = GEMMA_LIKE

    def text(*turns):
        messages = tuple(Message(role=role, content=content) for role, content in turns)
        return chat_text(tokenizer, Request(id="1", messages=messages))

    asked = text(("system", "Be brief."), ("user", "Why?"))
    assert asked == "<user>Be brief.\n\nWhy?</user><assistant>"
    begun = text(("system", "Be brief."), ("user", "Why?"), ("assistant", "Because"))
    assert begun == "<user>Be brief.\n\nWhy?</user><assistant>Because"
    with pytest.raises(UserError, match="chat template: System role not supported"):
        text(("user", "Why?"), ("system", "Be brief."))
