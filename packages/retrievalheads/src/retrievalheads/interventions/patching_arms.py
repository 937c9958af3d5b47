"""The patching table: original, complement, intersection and random heads (section 3.9)."""

from collections.abc import Sequence
from typing import Any

from tenpapers.models import CausalLM

from ..decoding.answers import grade
from ..decoding.prefix_reader import ends_answer
from ..heads.detect import MAX_TOKENS
from ..inputs.token_spans import encode_prompt
from ..records import Example
from ..study.resuming import KeptValues
from .patching import Positions, patch_arms, patched_generate, sides


def patch_study(
    lm: CausalLM,
    examples: Sequence[Example],
    target_scores: Any,
    source_scores: Any,
    *,
    positions: Positions = "all",
    match_size: bool = True,
    seed: int = 0,
    kept: KeptValues | None = None,
    progress: bool = False,
    **set_rule: Any,
) -> dict[str, Any]:
    """F1 of every arm and its difference to the unpatched target.

    Parameters
    ----------
    lm : base with the adapters "target" and "source" (see `two_adapters`).
    target_scores, source_scores : FloatTensor[L, H].
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
    kept = kept or KeptValues()
    found: dict[str, Any] = {}
    for name, heads in sets.items():
        if name != "original" and not heads:
            found[name] = {"f1": None, "delta": None, "n_heads": 0, "per_example": []}
            continue
        _answer(lm, examples, heads, positions, kept, name, progress)
        scores = [kept.known[f"{name} {one.id}"].values[0] for one in examples]
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
    positions: Positions,
    kept: KeptValues,
    arm: str,
    progress: bool,
) -> None:
    """F1 of the examples that are not kept yet."""
    import torch
    from tqdm import tqdm

    stop = ends_answer(lm.tokenizer, lm.model)
    left = [example for example in examples if f"{arm} {example.id}" not in kept.known]
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
        text = lm.tokenizer.decode(answer.tolist(), skip_special_tokens=True)
        kept.add(f"{arm} {example.id}", [grade(example, text).scores["f1"]])
