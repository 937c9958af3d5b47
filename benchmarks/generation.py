"""Greedy decoding of 64 prompts with a common few-shot prefix: `hf` against plain transformers.

Peers, on the same loaded model: a loop of `generate` over single prompts, and transformers' own
batched `generate` (left padding, batches of 16 in the given order). Prints seconds, ratios, and
how many texts are the same.

    python benchmarks/generation.py [--prompts 64] [--tokens 24]
"""

import argparse
import random
import time
from collections.abc import Callable

import torch
from tenpapers.generation import Request, Sampling
from tenpapers.generation.hf import HFBackend
from tenpapers.models import parse_spec

SHOTS = [
    ("a red apple and a green pear", "fruit"),
    ("the bus was late again this morning", "travel"),
    ("my dog barks at the postman", "animals"),
    ("two cups of flour and an egg", "cooking"),
    ("the goalkeeper saved a penalty", "sports"),
    ("it will rain until the evening", "weather"),
]
WORDS = [
    "river",
    "stone",
    "window",
    "garden",
    "yellow",
    "quiet",
    "train",
    "market",
    "letter",
    "winter",
    "silver",
    "paper",
    "bridge",
    "morning",
    "coffee",
    "mountain",
    "village",
    "engine",
    "harbour",
    "teacher",
]
BATCH = 16


def make_prompts(count: int) -> list[str]:
    """Prompts of 3 to 60 words after one common prefix, in random order of length."""
    draw = random.Random(0)
    head = "Name the topic of each text and explain it in a sentence.\n\n"
    head += "".join(f"Text: {text}\nTopic: {topic}\n\n" for text, topic in SHOTS)
    return [
        f"{head}Text: {' '.join(draw.choices(WORDS, k=draw.randint(3, 60)))}\nTopic:"
        for _ in range(count)
    ]


def trim(tokens: torch.Tensor, tokenizer: object) -> str:
    """Text of generated tokens up to the end."""
    return tokenizer.decode(tokens, skip_special_tokens=True)  # type: ignore[attr-defined]


def main() -> None:
    """Time the three ways, after a warm-up of each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=24)
    options = parser.parse_args()
    backend = HFBackend.load(parse_spec("smollm2"))
    model, tokenizer = backend.lm.model, backend.lm.tokenizer
    prompts = make_prompts(options.prompts)
    settings = {"do_sample": False, "max_new_tokens": options.tokens}

    def ours(texts: list[str]) -> list[str]:
        sampling = Sampling(max_tokens=options.tokens)
        requests = [Request(id=str(i), prompt=t, sampling=sampling) for i, t in enumerate(texts)]
        done = {c.id: c.text for c in backend.stream(requests)}
        return [done[request.id] for request in requests]

    def batched(texts: list[str]) -> list[str]:
        made = []
        for start in range(0, len(texts), BATCH):
            part = tokenizer(texts[start : start + BATCH], return_tensors="pt", padding=True)
            out = model.generate(**part, pad_token_id=tokenizer.pad_token_id, **settings)
            made += [trim(row[part["input_ids"].shape[1] :], tokenizer) for row in out]
        return made

    def loop(texts: list[str]) -> list[str]:
        made = []
        for text in texts:
            part = tokenizer(text, return_tensors="pt")
            out = model.generate(**part, pad_token_id=tokenizer.pad_token_id, **settings)
            made.append(trim(out[0, part["input_ids"].shape[1] :], tokenizer))
        return made

    ways: dict[str, Callable[[list[str]], list[str]]] = {
        "ours": ours,
        "batched generate": batched,
        "loop of generate": loop,
    }
    times, texts = {}, {}
    with torch.inference_mode():
        for name, way in ways.items():
            way(prompts[:2])
            began = time.perf_counter()
            texts[name] = way(prompts)
            times[name] = time.perf_counter() - began
    print(f"{len(prompts)} prompts, {options.tokens} new tokens, SmolLM2 in float32")
    for name, seconds in times.items():
        same = sum(a == b for a, b in zip(texts[name], texts["ours"], strict=True))
        print(
            f"{name:18s} {seconds:6.1f} s   ours is {seconds / times['ours']:4.1f}x as fast   "
            f"{same} of {len(prompts)} texts as ours"
        )


if __name__ == "__main__":
    main()
