"""Equal to alone, on every kind of architecture: random models of 4 layers, one token a letter."""

from dataclasses import dataclass

import pytest
import torch
from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling
from tenpapers.generation.hf import HFBackend
from tenpapers.generation.prefix import Architecture
from tenpapers.models import CausalLM
from tenpapers.testing import tiny_model

WINDOW = {"sliding_window": 8}
MIXED = ["sliding_attention", "full_attention"] * 2
GATED = {"linear_num_key_heads": 2, "linear_num_value_heads": 4, "num_experts": 4}
NARROW = {"linear_key_head_dim": 16, "linear_value_head_dim": 16, "num_experts_per_tok": 2}
ATTENDING = {
    "llama": {},
    "gpt2": {},  # learned positions
    "bloom": {},  # positions by the attention mask
    "mistral": WINDOW,
    "gemma2": WINDOW | {"head_dim": 16},
    "gemma3_text": WINDOW | {"head_dim": 16, "layer_types": MIXED},
    "llama4_text": {
        "attention_chunk_size": 8,
        "head_dim": 16,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "intermediate_size_mlp": 96,
    },
}
RECURRENT = {
    "mamba": {},
    "lfm2": {"layer_types": ["conv", "full_attention"] * 2},
    "qwen3_next": GATED | NARROW | {"head_dim": 16},
}
HEAD = "The common beginning of all prompts is this."
ENDS = ["a", "some more", "a rather longer end of it, longer than any window", "xy", "some mere"]


@dataclass
class Letters:
    """One token a letter; anything that a random model says can be read."""

    pad_token_id = 0
    eos_token, eos_token_id = "</s>", 2
    bos_token_id = None

    def __call__(self, text, **_):
        return {"input_ids": [ord(letter) % 256 + 5 for letter in text]}

    def decode(self, ids, **_):
        return "".join(chr(number + 5000) for number in ids)


def backend(kind, config):
    # Large weights, so that whatever a token attends to changes what comes next.
    config = {"num_key_value_heads": 2} | config
    model = tiny_model(kind, noise=0.1, **config)
    model.generation_config.eos_token_id = 2
    return HFBackend(CausalLM(model, Letters(), kind, "local"))


def plain(model, ids, count):
    """Greedy tokens of `generate`, one prompt by itself."""
    tokens = torch.tensor([ids])
    with torch.inference_mode():
        made = model.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            do_sample=False,
            max_new_tokens=count,
            pad_token_id=0,
        )
    return [token for token in made[0, len(ids) :].tolist() if token != 2]


def log_probability(model, ids, count):
    """Of the last tokens of a text, by one plain forward pass."""
    with torch.inference_mode():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0].log_softmax(-1)
    return sum(logits[place - 1, ids[place]].item() for place in range(len(ids) - count, len(ids)))


@pytest.mark.parametrize(("kind", "config"), (ATTENDING | RECURRENT).items())
def test_text_and_scores_are_those_of_each_prompt_alone(kind, config):
    """Prompts that share a prefix and differ in length, greedy and sampled, in one batch."""
    asked = backend(kind, config)
    assert asked.share_prefix == (kind in ATTENDING)
    requests = [
        Request(
            id=f"{end}|{temperature}",
            prompt=HEAD + end,
            sampling=Sampling(max_tokens=10, temperature=temperature),
        )
        for end in ENDS
        for temperature in (0, 1)
    ]
    together = {c.id: c.text for c in asked.stream(requests)}
    alone = {c.id: c.text for request in requests[1::2] for c in asked.stream([request])}
    letters, model = asked.lm.tokenizer, asked.lm.model
    for end in ENDS:
        tokens = plain(model, letters(HEAD + end)["input_ids"], 10)
        assert together[f"{end}|0"] == letters.decode(tokens)
        assert together[f"{end}|1"] == alone[f"{end}|1"]
    assert len(set(together.values())) > len(ENDS)
    scores = asked.score(HEAD, ENDS)
    for end, score in zip(ENDS, scores, strict=True):
        expected = log_probability(model, letters(HEAD + end)["input_ids"], len(end))
        assert score.total == pytest.approx(expected, abs=1e-4)


def test_an_architecture_whose_state_has_no_rows_is_refused_in_one_line():
    for kind in ("rwkv", "recurrent_gemma", "openai-gpt"):
        with pytest.raises(UserError, match="cannot be batched here; use a vllm: or openai: model"):
            backend(kind, {})


def test_prompts_draw_independently_of_each_other():
    """120 prompts, one token each at temperature 1: about as many tokens as chance would give.

    All logits are equal, so the tokens of 120 independent draws out of 300 are about 99 different
    ones, and one comes up more than 5 times in one of 5,000 runs; noise that prompts share gives
    the same token every time.
    """
    asked = backend("llama", {})
    asked.lm.model.lm_head.weight.data.zero_()
    sampling = Sampling(temperature=1, max_tokens=1)
    requests = [Request(id=str(i), prompt=f"Prompt {i}", sampling=sampling) for i in range(120)]
    first = {c.id: c.text for c in asked.stream(requests)}
    counts = [list(first.values()).count(text) for text in set(first.values())]
    assert 85 <= len(counts) <= 113 and max(counts) <= 5
    assert first == {c.id: c.text for c in asked.stream(requests[::-1])}
    other = [
        r.model_copy(update={"sampling": Sampling(temperature=1, max_tokens=1, sample=1)})
        for r in requests
    ]
    again = {c.id: c.text for c in asked.stream(other)}
    assert sum(first[name] == again[name] for name in first) <= 4


def test_draws_follow_the_models_chances():
    """1,000 samples of one prompt whose chances are 1/2, 1/4, 1/8 ...; top_k and top_p cut."""
    asked = backend("llama", {})
    chances = torch.tensor([0.5, 0.25, 0.125, 0.0625, 0.0625])
    bias = torch.full((300,), -1e9)
    bias[5:10] = chances.log()
    asked.lm.model.lm_head.weight.data.zero_()
    asked.lm.model.lm_head.bias = torch.nn.Parameter(bias)

    def frequencies(**settings):
        samples = (Sampling(temperature=1, max_tokens=1, sample=n, **settings) for n in range(1000))
        requests = [
            Request(id=str(n), prompt="x", sampling=sampling) for n, sampling in enumerate(samples)
        ]
        texts = [ord(c.text) - 5005 for c in asked.stream(requests)]
        return [texts.count(token) / 1000 for token in range(5)]

    assert frequencies() == pytest.approx(chances.tolist(), abs=0.05)  # three standard errors
    assert frequencies(top_k=2) == pytest.approx([2 / 3, 1 / 3, 0, 0, 0], abs=0.05)
    assert frequencies(top_p=0.8) == pytest.approx([4 / 7, 2 / 7, 1 / 7, 0, 0], abs=0.05)


def test_a_model_in_a_wrapper_of_peft_is_known_by_what_is_inside():
    peft = pytest.importorskip("peft")
    model = tiny_model("llama")
    plain = Architecture.of(model)
    wrapped = peft.get_peft_model(model, peft.LoraConfig(target_modules=["q_proj"]))
    assert plain.state == "past_key_values" and Architecture.of(wrapped) == plain


class Scripted(Letters):
    """Whatever the model says, the prompt ends and the answer goes as written."""

    def __init__(self, prompt, answer):
        self.prompt, self.answer, self.calls = prompt, answer, 0

    def decode(self, ids, **_):
        self.calls += 1
        return self.prompt if self.calls == 1 else self.answer[: len(ids)]


@pytest.mark.parametrize(
    ("prompt", "answer", "text"),
    [
        ("Why?", "<think>\na\n\nb</think>\n\nYes\nNo", "<think>\na\n\nb</think>\n\nYes"),
        ("Why?<think>\n", "a\nb\n</think>\nYes\nNo", "<think>a\nb\n</think>\nYes"),
        ("Why?", "\n\nYes\nNo", "\n\nYes"),
    ],
)
def test_a_stop_acts_on_what_is_said_and_not_on_what_is_thought(prompt, answer, text):
    asked = backend("llama", {})
    asked.lm.tokenizer = Scripted(prompt, answer)
    sampling = Sampling(max_tokens=60, stop=("\n",))
    (completion,) = asked.stream([Request(id="1", prompt="x", sampling=sampling)])
    assert (completion.text, completion.finish_reason) == (text, "stop")
