"""Direct and CoT arms of three tasks: our runner against lm-evaluation-harness.

Both get the same rendered prompts, the same loaded SmolLM2 (float32) and batch size, in one
process, and write up to the budget. Prints seconds of each arm, ratios, the share of equal texts,
and accuracies by one grader.

    python benchmarks/tocot_generation.py [--items 32] [--tokens 16,48] [--tasks csqa,...]

Needs the group `bench` (lm-eval): `uv sync --group bench`. Items are those of ../shared/data, or
the package's own few.
"""

import argparse
import time
from typing import Any

from tenpapers import data
from tenpapers.generation import Request, Sampling
from tenpapers.generation.encoding import chat_text
from tenpapers.generation.hf import HFBackend
from tenpapers.models import load_causal_lm
from tocot.answering.prompts import Prompt, build_messages
from tocot.answering.run import SEED
from tocot.extraction.extract import extract
from tocot.inputs.demonstrations import task_items
from tocot.inputs.load import own_items
from tocot.records import TaskItem
from tocot.scoring.grade import grade

TASKS = {"csqa": "zs", "contexthub_deductive_level1": "zs", "gsm8k": "fs"}
SHOTS = 5
BATCH = 16


def prompts(task: str, form: str, n: int) -> tuple[list[TaskItem], dict[str, list[Prompt]]]:
    """Items and the prompts of both arms."""
    path = None if data.folder("tocot") else own_items()[task]
    items, demos = task_items(task, path, n, 0, [f"{form}_cot"])
    return items, {
        arm: [build_messages(item, f"{form}_{arm}", demos=demos[:SHOTS]) for item in items]
        for arm in ("direct", "cot")
    }


def ours(backend: HFBackend, made: list[Prompt], tokens: int) -> tuple[list[str], float]:
    """Texts in order, and seconds."""
    requests = [
        Request(
            id=str(number),
            messages=tuple(prompt.messages),
            sampling=Sampling(max_tokens=tokens, seed=SEED),
        )
        for number, prompt in enumerate(made)
    ]
    began = time.perf_counter()
    found = {one.id: one.text for one in backend.stream(requests)}
    return [found[str(number)] for number in range(len(made))], time.perf_counter() - began


def theirs(peer: Any, tokenizer: Any, made: list[Prompt], tokens: int) -> tuple[list[str], float]:
    """The same by lm-eval's `generate_until`."""
    from lm_eval.api.instance import Instance

    instances = []
    for number, prompt in enumerate(made):
        text = chat_text(tokenizer, Request(id="", messages=tuple(prompt.messages)))
        settings = {"until": [], "max_gen_toks": tokens, "do_sample": False}
        instances.append(
            Instance(request_type="generate_until", doc={}, arguments=(text, settings), idx=number)
        )
    began = time.perf_counter()
    texts = peer.generate_until(instances, disable_tqdm=True)
    return texts, time.perf_counter() - began


def accuracy(items: list[TaskItem], texts: list[str]) -> float:
    """Percent right."""
    right = [
        grade(extract(text, item.public()), item.gold, item.answer_kind)
        for item, text in zip(items, texts, strict=True)
    ]
    return 100 * sum(right) / len(right)


def main() -> None:
    """All tasks, both arms."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=32)
    parser.add_argument("--tokens", default="16,48")
    parser.add_argument("--tasks", default=",".join(TASKS))
    options = parser.parse_args()
    budgets = dict(zip(("direct", "cot"), map(int, options.tokens.split(",")), strict=True))
    try:
        from lm_eval.models.huggingface import HFLM
    except ImportError:
        print("lm-eval is not installed: uv sync --group bench")
        return
    lm = load_causal_lm("smollm2")
    backend = HFBackend(lm)
    peer = HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=BATCH, device="cpu")
    for task in options.tasks.split(","):
        form = TASKS[task]
        items, arms = prompts(task, form, options.items)
        total = {"ours": 0.0, "lm-eval": 0.0}
        for arm, made in arms.items():
            mine, seconds = ours(backend, made, budgets[arm])
            other, peer_seconds = theirs(peer, lm.tokenizer, made, budgets[arm])
            same = sum(a.strip() == b.strip() for a, b in zip(mine, other, strict=True))
            total["ours"] += seconds
            total["lm-eval"] += peer_seconds
            print(
                f"{task} {form}_{arm}, {len(items)} items: ours {seconds:.1f} s, lm-eval "
                f"{peer_seconds:.1f} s, ratio {peer_seconds / seconds:.2f}x; "
                f"equal texts {same} of {len(items)}; accuracy {accuracy(items, mine):.1f} and "
                f"{accuracy(items, other):.1f}",
                flush=True,
            )
        print(f"{task}, both arms: {total['lm-eval'] / total['ours']:.2f}x", flush=True)


if __name__ == "__main__":
    main()
