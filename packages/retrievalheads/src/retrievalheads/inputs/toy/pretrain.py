"""Makes the tiny checkpoint that ships with the package: copying first, then recall of facts.

    python -m retrievalheads.inputs.toy.pretrain --out DIR [--seed 0]

A curriculum at 64 tokens: repeated segments teach copying; then facts with one-token keys, more
of them and in more wordings as the answers become right.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .world import draw_facts, filler_sentence, vocabulary

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

CONTEXT = 64
BATCH = 64


@dataclass(frozen=True)
class Stage:
    """One part of the curriculum."""

    steps: int
    copying: float  # share of sequences that repeat a segment
    symbolic: float  # share of the others that are keys and values
    facts: tuple[int, int]
    wordings: tuple[float, float, float]
    filler: tuple[int, int]


# Shares of the three wordings: the second and third are rare, so that tuning has to teach them.
TEMPLATE = (1.0, 0.0, 0.0)
MIXED = (0.9, 0.05, 0.05)
STAGES = (
    Stage(400, 1.0, 0.0, (2, 2), TEMPLATE, (0, 0)),
    Stage(400, 0.2, 0.5, (2, 3), TEMPLATE, (0, 1)),
    Stage(600, 0.1, 0.2, (2, 4), MIXED, (0, 2)),
    Stage(600, 0.1, 0.2, (3, 4), MIXED, (0, 5)),
)


def tokenizer() -> PreTrainedTokenizerFast:
    """One token a word, split at blanks; pads on the left like every other tokenizer here."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    words = {word: number for number, word in enumerate(vocabulary())}
    core = Tokenizer(WordLevel(words, unk_token="<unk>"))
    core.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        eos_token=".",
        unk_token="<unk>",
        padding_side="left",
    )


def model(seed: int) -> LlamaForCausalLM:
    """A random Llama of 4 layers of 8 heads."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    words = vocabulary()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=8,
        max_position_embeddings=CONTEXT,
        pad_token_id=words.index("<pad>"),
        eos_token_id=words.index("."),
        bos_token_id=None,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 1e4},
    )
    return LlamaForCausalLM(config)


def sequence(draw: random.Random, stage: Stage) -> tuple[list[str], list[int]]:
    """Words of one training sequence, and the places whose words are to be predicted."""
    if draw.random() < stage.copying:
        segment = draw.sample(vocabulary()[2:], draw.randint(6, CONTEXT // 2))
        return segment * 2, list(range(len(segment) + 1, 2 * len(segment)))
    symbolic = draw.random() < stage.symbolic
    facts = draw_facts(draw, draw.randint(*stage.facts), symbolic=symbolic)
    sentences = [fact.sentence(draw.choices(range(3), stage.wordings)[0]) for fact in facts]
    sentences += [filler_sentence(draw) for _ in range(draw.randint(*stage.filler))]
    draw.shuffle(sentences)
    words = [*" . ".join(sentences).split(), "."]
    asked = draw.sample(facts, len(facts))
    wanted = []
    for fact in asked:
        question = ["?", *fact.query().split(), fact.value, "."]
        if len(words) + len(question) > CONTEXT:
            break
        words += question
        # The value, and the full stop that ends the answer.
        wanted += [len(words) - 2, len(words) - 1]
    return words, wanted


def batch(
    draw: random.Random, stage: Stage
) -> tuple[Int[Tensor, "batch context"], Int[Tensor, "batch context"]]:
    """Ids and labels, padded on the right."""
    import torch

    number = {word: i for i, word in enumerate(vocabulary())}
    ids = torch.zeros(BATCH, CONTEXT, dtype=torch.long)
    labels = torch.full((BATCH, CONTEXT), -100)
    for row in range(BATCH):
        words, wanted = sequence(draw, stage)
        ids[row, : len(words)] = torch.tensor([number[word] for word in words[:CONTEXT]])
        labels[row, wanted] = ids[row, wanted]
    return ids, labels


def pretrain(seed: int, stages: tuple[Stage, ...] = STAGES) -> LlamaForCausalLM:
    """Run the curriculum; prints loss and accuracy of the answers."""
    import torch

    net = model(seed)
    draw = random.Random(f"toy:{seed}")
    total = sum(stage.steps for stage in stages)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total, pct_start=0.1)
    step, began = 0, time.monotonic()
    for number, stage in enumerate(stages, 1):
        right = asked = 0
        for _ in range(stage.steps):
            ids, labels = batch(draw, stage)
            logits = net(ids).logits[:, :-1]
            wanted = labels[:, 1:]
            loss = torch.nn.functional.cross_entropy(
                logits.reshape(-1, logits.shape[-1]), wanted.reshape(-1)
            )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            known = wanted >= 0
            right += int((logits.argmax(-1) == wanted)[known].sum())
            asked += int(known.sum())
            if step % 200 == 0:
                print(
                    f"stage {number} step {step} of {total}: loss {loss.item():.3f}, "
                    f"right {right / asked:.3f}, {time.monotonic() - began:.0f} s",
                    flush=True,
                )
                right = asked = 0
    return net.eval()


def main() -> None:
    """Make the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    net = pretrain(options.seed)
    net.save_pretrained(options.out)
    tokenizer().save_pretrained(options.out)


if __name__ == "__main__":
    main()
