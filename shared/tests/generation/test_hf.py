import pytest
import torch
from tenpapers.generation import Request, Sampling, Score
from tenpapers.generation.types import Message

from .conftest import PROMPTS


def test_a_text_does_not_depend_on_its_neighbours(smollm2):
    """Greedy and sampled, behind a prefix that all prompts share."""
    prefix = "Continue the following text in a simple and friendly way, please do it now.\n"
    requests = [
        Request(
            id=f"{i}.{temperature}.{seed}",
            prompt=prefix + prompt,
            sampling=Sampling(temperature=temperature, top_p=0.9, max_tokens=4, seed=seed),
        )
        for i, prompt in enumerate(PROMPTS[:2])
        for temperature, seed in ((0.0, 0), (0.8, 0), (0.8, 1))
    ]
    together = {c.id: c.text for c in smollm2.stream(requests)}
    alone = {c.id: c.text for request in requests for c in smollm2.stream([request])}
    assert together == alone
    assert any(together[f"{i}.0.8.0"] != together[f"{i}.0.8.1"] for i in range(2))


def test_greedy_text_is_that_of_transformers_generate(smollm2, expected):
    lm = smollm2.lm
    for number, prompt in list(enumerate(PROMPTS))[::4]:
        ids = lm.tokenizer(prompt, return_tensors="pt")
        with torch.inference_mode():
            made = lm.model.generate(**ids, do_sample=False, max_new_tokens=16)
        tail = made[0, ids["input_ids"].shape[1] :]
        assert expected[str(number)] == lm.tokenizer.decode(tail, skip_special_tokens=True)


def test_a_repetition_penalty_is_that_of_transformers_generate(smollm2, expected):
    lm = smollm2.lm
    sampling = Sampling(max_tokens=8, repetition_penalty=1.3)
    asked = [Request(id=p, prompt=p, sampling=sampling) for p in (PROMPTS[4], PROMPTS[6])]
    plain = Request(id="plain", prompt=PROMPTS[4], sampling=Sampling(max_tokens=8))
    found = {done.id: done.text for done in smollm2.stream([*asked, plain])}
    for request in asked:
        ids = lm.tokenizer(request.prompt, return_tensors="pt")
        options = {"do_sample": False, "max_new_tokens": 8, "repetition_penalty": 1.3}
        with torch.inference_mode():
            made = lm.model.generate(**ids, **options)
        tail = made[0, ids["input_ids"].shape[1] :]
        assert found[request.id] == lm.tokenizer.decode(tail, skip_special_tokens=True)
    assert expected["4"].startswith(found["plain"]) and found["plain"] != found[PROMPTS[4]]


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


def test_a_bad_request_fails_alone(smollm2):
    """Too long, empty, refused by the template: the others get their answers."""
    sampling = Sampling(max_tokens=2)
    asked = [
        Request(id="long", prompt="word " * 9000),
        Request(id="empty", prompt=""),
        Request(id="nothing"),
        Request(id="short", prompt="1, 2,", sampling=sampling),
    ]
    found = {c.id: c for c in smollm2.stream(asked)}
    assert "do not fit the context of 8192" in found["long"].error
    assert [name for name, completion in found.items() if completion.failed] == [
        "long",
        "empty",
        "nothing",
    ]
    assert found["short"].n_output_tokens == 2


def test_scores_are_the_models_log_probabilities(smollm2):
    (score, longer) = smollm2.score("The capital of France is", [" Paris", " London, of course"])
    lm = smollm2.lm
    ids = lm.tokenizer("The capital of France is Paris", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        expected = lm.model(ids).logits[0, -2].log_softmax(-1)[ids[0, -1]].item()
    assert score.total == pytest.approx(expected, abs=1e-3)
    assert len(longer.tokens) > 1 and longer.total == pytest.approx(sum(longer.tokens))


def test_nothing_more_is_certain_and_equal_continuations_are_equal(smollm2):
    assert smollm2.score("x", [""]) == [Score(0.0, ())]
    assert smollm2.score("x", []) == []
    first, empty, again = smollm2.score("x", [" y z", "", " y z"])
    assert first == again and empty.total == 0.0


def test_an_adapter_changes_only_its_own_requests(smollm2, tmp_path):
    from peft import LoraConfig, get_peft_model

    plain = Request(id="plain", prompt=PROMPTS[0], sampling=Sampling(max_tokens=4))
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
