"""Many knockouts of one model side by side: each a row of the batch.

In scope "decode" the prompt's keys and values are untouched by definition, so one prefill serves
every setting.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tenpapers.models import AttentionLayout

from ..decoding.answers import MAX_TOKENS, grade
from ..decoding.prefix_reader import PrefixReader, ends_answer
from ..heads.head_sets import ranked
from ..inputs.token_spans import encode_prompt, encode_target
from ..records import Example
from ..scoring.example_rows import ExampleRows
from .knockout import Knockout, control_heads
from .settings import Kind, Scope

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor
    from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

# Prompt tokens of one batch of settings in scope "all", which runs the prompt once a setting.
BATCH_TOKENS = 8192
# Keys and values of one batch in scope "decode", where every setting has a copy of the prompt's.
CACHE_BYTES = 4 << 30
TOP, CONTROL = "top", "random"


@dataclass(frozen=True)
class Setting:
    """Some heads off: the top k, or k controls of a seed."""

    arm: str
    k: int
    seed: int
    heads: tuple[tuple[int, int], ...]


@dataclass
class SweepResult:
    """Scores of every setting on every example; `f1` of greedy answers, `accuracy` of tokens.

    `accuracy` is the share of target tokens that are the model's first choice when the target is
    fed.
    """

    setting: Setting
    f1: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)

    @staticmethod
    def mean(values: Sequence[float]) -> float:
        """Mean, NaN of nothing."""
        return sum(values) / len(values) if values else float("nan")


def settings_for(
    scores: Float[Tensor, "layers heads"],
    ks: Sequence[int],
    seeds: Sequence[int],
    *,
    threshold: float,
    match_layers: bool = False,
) -> list[Setting]:
    """The top k and, for each seed, k controls, for every k; k = 0 once.

    Raises
    ------
    ValueError : k is larger than the model, or than the pool of controls.
    """
    order = ranked(scores)
    made = []
    for k in sorted(set(ks)):
        if not 0 <= k <= len(order):
            raise ValueError(f"k = {k}: the model has {len(order)} heads")
        made.append(Setting(TOP, k, 0, tuple((a, b) for a, b, _ in order[:k])))
        for seed in seeds if k else ():
            heads = control_heads(scores, k, seed, threshold=threshold, match_layers=match_layers)
            made.append(Setting(CONTROL, k, seed, tuple(heads)))
    return made


def sweep(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    settings: Sequence[Setting],
    *,
    kind: Kind = "zero",
    scope: Scope = "all",
    means: Float[Tensor, "layers heads head_dim"] | None = None,
    answers: bool = True,
    kept: ExampleRows | None = None,
    progress: bool = False,
) -> list[SweepResult]:
    """Run every setting on every example.

    Parameters
    ----------
    answers : also greedy answers and their F1, not only token accuracy.
    means : of `mean_outputs`, for the kind "mean".
    kept : examples of an earlier run; this one adds to them.
    """
    import torch
    from tqdm import tqdm

    kept = kept or ExampleRows()
    shape = AttentionLayout.from_model(model).geometry
    masks = torch.zeros(len(settings), shape.n_layers, shape.n_heads, dtype=torch.bool)
    for row, setting in enumerate(settings):
        for layer, head in setting.heads:
            masks[row, layer, head] = True
    runner = _Runner(model, masks, kind, scope, means)
    stop = ends_answer(tokenizer, model)
    results = [SweepResult(setting) for setting in settings]
    left = [example for example in examples if example.id not in kept.rows]
    for example in tqdm(left, desc="knockout", unit="ex", disable=not progress):
        prompt, _ = encode_prompt(tokenizer, example.prompt)
        target = encode_target(tokenizer, example.target)
        accuracy, replies = runner.run(
            prompt, target, limit=MAX_TOKENS[example.task] if answers else 0, stop=stop
        )
        texts = tokenizer.batch_decode(replies, skip_special_tokens=True) if answers else []
        kept.add_values(
            example.id, accuracy + [grade(example, text).scores["f1"] for text in texts]
        )
    for example in examples:
        values = kept.values(example.id)
        for index, result in enumerate(results):
            result.accuracy.append(values[index])
            if answers:
                result.f1.append(values[len(settings) + index])
    return results


@dataclass(frozen=True)
class _Fork:
    """Where the settings of a batch part: tokens that all of them read, behind a shared cache."""

    head: list[int]
    cache: DynamicCache | None
    rows: int


@dataclass
class _Runner:
    """Runs one prompt under every setting."""

    model: PreTrainedModel
    masks: Bool[Tensor, "settings layers heads"]
    kind: Kind
    scope: Scope
    means: Float[Tensor, "layers heads head_dim"] | None

    def __post_init__(self) -> None:
        self.reader = PrefixReader(self.model)

    def run(
        self, prompt: list[int], target: list[int], *, limit: int, stop: Callable[[int], bool]
    ) -> tuple[list[float], list[list[int]]]:
        """Token accuracy and (limit > 0) greedy answer of each setting."""
        decode = self.scope == "decode" and len(prompt) > 1
        rows = self._decode_rows(len(prompt)) if decode else max(1, BATCH_TOKENS // len(prompt))
        accuracy: list[float] = []
        replies: list[list[int]] = []
        if decode:
            self.reader.read(prompt[:-1])
        for start in range(0, len(self.masks), rows):
            masks = self.masks[start : start + rows]
            # In scope "decode" what is run here is the last prompt token and the answer: all of it
            # is edited, none of the cached prompt.
            with Knockout(self.model, masks, kind=self.kind, scope="all", means=self.means):
                cache = copy.deepcopy(self.reader.cache) if decode else None
                if cache is not None:
                    cache.batch_repeat_interleave(len(masks))
                head = prompt[-1:] if decode else prompt
                fork = _Fork(head, cache, len(masks))
                right, reply = self._answer(fork, target, limit=limit, stop=stop)
            accuracy += right
            replies += reply
        return accuracy, replies

    def _decode_rows(self, tokens: int) -> int:
        """How many settings fit side by side; a second copy decodes after the target is fed."""
        shape, size = AttentionLayout.from_model(self.model).geometry, self.model.dtype.itemsize
        numbers = 2 * shape.n_layers * shape.n_kv_heads * shape.head_dim * tokens
        return max(1, CACHE_BYTES // (2 * numbers * size))

    def _answer(
        self, fork: _Fork, target: list[int], *, limit: int, stop: Callable[[int], bool]
    ) -> tuple[list[float], list[list[int]]]:
        """Feed the target for the accuracy, and decode greedily from the same place."""
        import torch

        device, rows = self.model.device, fork.rows
        with torch.inference_mode():
            fed = torch.tensor([fork.head], device=device).expand(rows, -1)
            out = self.model(fed, past_key_values=fork.cache, use_cache=True, logits_to_keep=1)
            first, cache = out.logits.argmax(-1), out.past_key_values  # [rows, 1]
            chosen = first
            if len(target) > 1:
                kept = copy.deepcopy(cache) if limit else cache
                fed = torch.tensor([target[:-1]], device=device).expand(rows, -1)
                rest = self.model(fed, past_key_values=kept, use_cache=True).logits.argmax(-1)
                chosen = torch.cat([first, rest], dim=1)
            right = chosen == torch.tensor(target, device=device)
            replies: list[list[int]] = [[] for _ in range(rows)]
            open_rows = set(range(rows)) if limit else set()
            token = first
            while open_rows:
                for row in sorted(open_rows):
                    if stop(int(token[row])):
                        open_rows.discard(row)
                        continue
                    replies[row].append(int(token[row]))
                    if len(replies[row]) == limit:
                        open_rows.discard(row)
                if open_rows:
                    # Rows that are done run along: their masks are theirs by place.
                    out = self.model(token, past_key_values=cache, use_cache=True)
                    token = out.logits[:, -1:].argmax(-1)
        return right.float().mean(1).tolist(), replies


def sweep_rows(results: Sequence[SweepResult]) -> list[dict[str, Any]]:
    """A row a setting, with every example's scores."""
    return [
        {
            "arm": result.setting.arm,
            "k": result.setting.k,
            "seed": result.setting.seed,
            "heads": [list(head) for head in result.setting.heads],
            "f1": result.mean(result.f1),
            "accuracy": result.mean(result.accuracy),
            "per_example_f1": result.f1,
            "per_example_accuracy": result.accuracy,
        }
        for result in results
    ]
