"""The patching table: original, complement, intersection and random heads."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from tenpapers.models import CausalLM

from ..decoding.answers import MAX_TOKENS, grade
from ..decoding.prefix_reader import ends_answer
from ..heads.head_sets import head_set, ranked
from ..inputs.token_spans import encode_prompt
from ..records import Example
from ..scoring.example_rows import ExampleRows
from .patching import patched_generate, sides
from .settings import Positions

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from ..heads.head_sets import Rule


@dataclass(frozen=True)
class PatchArms:
    """Heads of each arm; `sizes` before cutting."""

    complement: list[tuple[int, int]]
    intersection: list[tuple[int, int]]
    random: list[tuple[int, int]]
    sizes: dict[str, int]


def patch_arms(
    target: Float[Tensor, "layers heads"],
    source: Float[Tensor, "layers heads"],
    *,
    seed: int = 0,
    match_size: bool = True,
    **set_rule: Unpack[Rule],
) -> PatchArms:
    """The head sets of the paper's patching tables.

    Parameters
    ----------
    target, source : scores of the heads of the synthetic-trained and the real-trained model.
    match_size : cut all arms to the smaller of complement and intersection.
    set_rule : of `head_set`.
    """
    mine, real = head_set(target, **set_rule), head_set(source, **set_rule)
    order = [(layer, head) for layer, head, _ in ranked(source)]
    complement = [head for head in order if real[head] and not mine[head]]
    intersection = [head for head in order if real[head] and mine[head]]
    pool = [head for head in order if not real[head] and not mine[head]]
    sizes = {"complement": len(complement), "intersection": len(intersection), "pool": len(pool)}
    size = min(len(complement), len(intersection))
    if match_size and size:
        complement, intersection = complement[:size], intersection[:size]
    count = min(len(pool), size or max(len(complement), len(intersection)))
    return PatchArms(
        complement, intersection, random.Random(f"patch:{seed}").sample(sorted(pool), count), sizes
    )


def patch_study(
    lm: CausalLM,
    examples: Sequence[Example],
    target_scores: Float[Tensor, "layers heads"],
    source_scores: Float[Tensor, "layers heads"],
    *,
    positions: Positions = "all",
    match_size: bool = True,
    seed: int = 0,
    kept: ExampleRows | None = None,
    progress: bool = False,
    **set_rule: Unpack[Rule],
) -> dict[str, Any]:
    """F1 of every arm and its difference to the unpatched target.

    Parameters
    ----------
    lm : base with the adapters "target" and "source" (see `two_adapters`).
    target_scores, source_scores : mean score of every head.
    kept : answers of an earlier run, by arm and example; this one adds to them.

    Returns
    -------
    `arms` (name -> `f1`, `delta`, `n_heads`, `per_example`), `sizes`, `n`, `positions`. An arm
    without heads has F1 None.
    """
    arms = patch_arms(target_scores, source_scores, seed=seed, match_size=match_size, **set_rule)
    sets = {
        "original": [],
        "complement": arms.complement,
        "intersection": arms.intersection,
        "random": arms.random,
    }
    kept = kept or ExampleRows()
    found: dict[str, Any] = {}
    for name, heads in sets.items():
        if name != "original" and not heads:
            found[name] = {"f1": None, "delta": None, "n_heads": 0, "per_example": []}
            continue
        _answer(lm, examples, heads, arm=name, positions=positions, kept=kept, progress=progress)
        scores = [kept.values(f"{name} {example.id}")[0] for example in examples]
        mean = sum(scores) / len(scores)
        base = found["original"]["f1"] if "original" in found else mean
        found[name] = {
            "f1": mean,
            "delta": mean - base,
            "n_heads": len(heads),
            "per_example": scores,
        }
    return {"arms": found, "sizes": arms.sizes, "n": len(examples), "positions": positions}


def _answer(
    lm: CausalLM,
    examples: Sequence[Example],
    heads: list[tuple[int, int]],
    *,
    arm: str,
    positions: Positions,
    kept: ExampleRows,
    progress: bool,
) -> None:
    """F1 of the examples that are not kept yet."""
    import torch
    from tqdm import tqdm

    stop = ends_answer(lm.tokenizer, lm.model)
    left = [example for example in examples if f"{arm} {example.id}" not in kept.rows]
    for example in tqdm(left, desc=f"patch, {arm}", unit="ex", disable=not progress):
        ids = torch.tensor([encode_prompt(lm.tokenizer, example.prompt)[0]])
        answer = patched_generate(
            *sides(lm.model),
            heads,
            ids.to(lm.model.device),
            positions=positions,
            stop=stop,
            max_new_tokens=MAX_TOKENS[example.task],
        )
        text = str(lm.tokenizer.decode(answer.tolist(), skip_special_tokens=True))
        kept.add_values(f"{arm} {example.id}", [grade(example, text).scores["f1"]])
