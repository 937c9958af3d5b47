"""transformers in process: length-sorted batches, left padding, one pass over a shared prefix."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from ..errors import UserError
from ..models.loading import CausalLM, load_causal_lm
from ..models.spec import ModelSpec
from .encoding import encode, misfit
from .types import (
    Completion,
    FinishReason,
    Keep,
    Request,
    Sampling,
    Score,
    by_adapter,
    forget,
)

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float, Int
    from torch import Tensor
    from transformers import Cache

# Tokens of one batch, padding and answers included: bounds the KV cache, not the speed.
BATCH_TOKENS = {"cpu": 16_384, "cuda": 262_144}
MAX_BATCH = {"cpu": 16, "cuda": 256}
MIN_PREFIX = 16
PATTERN_TOKENS = 8  # how often a text is searched for its stop pattern


class _Prompt(NamedTuple):
    """A request and the tokens of its prompt."""

    request: Request
    ids: list[int]


class HFBackend:
    """Decodes with a loop of its own, for three things `generate` does not give.

    The key-value cache of a prefix that all prompts share is computed once; a row that is done
    leaves the batch; and every request samples from a random generator of its own, so that its
    text does not depend on its neighbours.

    Parameters
    ----------
    lm : the loaded model.
    share_prefix : False runs every prompt in one piece, as edits of a last token need it.
    """

    family = "hf"

    def __init__(self, lm: CausalLM, *, share_prefix: bool = True) -> None:
        self.lm = lm
        self.share_prefix = share_prefix
        self.model, self.identity = lm.name, lm.identity
        config = lm.model.generation_config
        ends = config.eos_token_id if config is not None else None
        ends = [ends] if isinstance(ends, int) else (ends or [])
        self._ends = {*ends, lm.tokenizer.eos_token_id} - {None}

    @classmethod
    def load(cls, spec: ModelSpec) -> HFBackend:
        """Load the model of an `hf:` spec."""
        return cls(load_causal_lm(spec))

    def stream(self, requests: Sequence[Request], keep: Keep = forget) -> Iterator[Completion]:
        """Complete requests, one adapter after the other."""
        for adapter, group in by_adapter(requests).items():
            with _adapted(self.lm, adapter):
                for completion in self._stream(group):
                    keep(completion)
                    yield completion

    def _stream(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Complete requests, longest first, so that the first batch shows whether memory holds."""
        prompts: list[_Prompt] = []
        for request in requests:
            ids = encode(self.lm.tokenizer, request)
            if (failed := misfit(request, ids, self.lm.context)) is not None:
                yield failed
            else:
                prompts.append(_Prompt(request, ids))
        prompts.sort(key=lambda prompt: (len(prompt.ids), prompt.request.id), reverse=True)
        prefix = _common_prefix([prompt.ids for prompt in prompts]) if self.share_prefix else []
        cache = self._run_prefix(prefix)
        for batch in _batches(prompts, self.lm.model.device.type):
            yield from self._complete(batch, prefix, cache)

    def _run_prefix(self, prefix: list[int]) -> Cache | None:
        """Compute the key-value cache of a prefix, if there is one."""
        import torch

        if not prefix:
            return None
        with torch.inference_mode():
            ids = torch.tensor([prefix], device=self.lm.model.device)
            cache: Cache = self.lm.model(ids, use_cache=True, logits_to_keep=1).past_key_values
        return cache

    def _complete(
        self, batch: list[_Prompt], prefix: list[int], cache: Cache | None
    ) -> Iterator[Completion]:
        """Decode one batch; a completion comes as soon as its row is done."""
        import torch

        model, device = self.lm.model, self.lm.model.device
        # Samples of one prompt share a row until their first token.
        unique = {tuple(prompt.ids): None for prompt in batch}
        ids, rest_mask = self._padded([list(tokens[len(prefix) :]) for tokens in unique])
        mask = torch.cat([rest_mask.new_ones(len(unique), len(prefix)), rest_mask], dim=1)
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, len(prefix) :]
        past = None
        if cache is not None:
            past = copy.deepcopy(cache)
            past.batch_repeat_interleave(len(unique))
        row_of = {tokens: row for row, tokens in enumerate(unique)}
        spread = torch.tensor([row_of[tuple(prompt.ids)] for prompt in batch], device=device)
        rows = [_Row(prompt.request, len(prompt.ids), device) for prompt in batch]
        with torch.inference_mode():
            while rows:
                out = model(
                    ids,
                    attention_mask=mask,
                    position_ids=positions,
                    past_key_values=past,
                    use_cache=True,
                    logits_to_keep=1,
                )
                past = out.past_key_values
                logits = out.logits[:, -1].float()
                if len(logits) < len(rows):
                    past.batch_select_indices(spread)
                    logits, mask, positions = logits[spread], mask[spread], positions[spread]
                chosen = _choose(logits, rows)
                kept = []
                for number, row in enumerate(rows):
                    if (completion := self._advance(row, chosen[number])) is None:
                        kept.append(number)
                    else:
                        yield completion
                if len(kept) < len(rows):
                    if not kept:
                        return
                    select = torch.tensor(kept, device=device)
                    past.batch_select_indices(select)
                    mask, positions = mask[select], positions[select]
                    chosen = [chosen[number] for number in kept]
                    rows = [rows[number] for number in kept]
                ids = torch.tensor(chosen, device=device)[:, None]
                mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
                positions = positions[:, -1:] + 1

    def _padded(
        self, prompts: list[list[int]]
    ) -> tuple[Int[Tensor, "prompts tokens"], Int[Tensor, "prompts tokens"]]:
        """Token ids padded on the left, and the mask that is 0 on the padding."""
        import torch

        width, pad = max(map(len, prompts)), self.lm.tokenizer.pad_token_id
        ids = [[pad] * (width - len(prompt)) + prompt for prompt in prompts]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        device = self.lm.model.device
        return torch.tensor(ids, device=device), torch.tensor(mask, device=device)

    def _decoded(self, tokens: list[int]) -> str:
        return str(self.lm.tokenizer.decode(tokens, skip_special_tokens=True))

    def _advance(self, row: _Row, token: int) -> Completion | None:
        """Append one token; the completion if that was the last."""
        sampling = row.request.sampling
        reason: FinishReason | None = None
        if token in self._ends:
            reason = "stop"
        else:
            row.tokens.append(token)
            if len(row.tokens) >= sampling.max_tokens:
                reason = "length"
        text = None
        if reason or sampling.stop:
            text = self._decoded(row.tokens)
            cuts = [text.find(stop) for stop in sampling.stop if stop in text]
            if cuts:
                text, reason = text[: min(cuts)], "stop"
        if sampling.stop_pattern and (reason or len(row.tokens) % PATTERN_TOKENS == 0):
            text = text or self._decoded(row.tokens)
            if hit := re.search(sampling.stop_pattern, text):
                text, reason = text[: hit.end()], "stop"
        if not reason or text is None:
            return None
        return Completion(
            id=row.request.id,
            text=text,
            finish_reason=reason,
            n_prompt_tokens=row.prompt_tokens,
            n_output_tokens=len(row.tokens),
        )

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Score continuations; the prompt's key-value cache is computed once."""
        import torch

        tokenizer, model = self.lm.tokenizer, self.lm.model
        head = list(tokenizer(prompt)["input_ids"])
        scores = []
        with torch.inference_mode():
            first = model(torch.tensor([head], device=model.device), use_cache=True)
            last = first.logits[:, -1:].float()
            for text in continuations:
                tail = list(tokenizer(text, add_special_tokens=False)["input_ids"])
                past = copy.deepcopy(first.past_key_values)
                ids = torch.tensor([tail], device=model.device)
                logits = torch.cat([last, model(ids, past_key_values=past).logits.float()], dim=1)
                steps = logits[0, :-1].log_softmax(-1)
                values = steps.gather(1, ids[0][:, None])[:, 0].tolist()
                scores.append(Score(sum(values), tuple(values)))
        return scores

    def close(self) -> None:
        """Drop the model."""
        del self.lm


class _Row:
    """A request in a batch, and what it has of its answer."""

    def __init__(self, request: Request, prompt_tokens: int, device: torch.device) -> None:
        import torch

        self.request = request
        self.prompt_tokens = prompt_tokens
        self.tokens: list[int] = []
        self.random = torch.Generator(device=device).manual_seed(request.sampling.seed)


def _choose(logits: Float[Tensor, "rows vocabulary"], rows: list[_Row]) -> list[int]:
    """Pick the next token of every row; logits are float32."""
    import torch

    chosen: list[int] = logits.argmax(-1).tolist()
    for number, row in enumerate(rows):
        sampling = row.request.sampling
        if sampling.temperature > 0:
            chances = _truncate(logits[number] / sampling.temperature, sampling).softmax(-1)
            chosen[number] = int(torch.multinomial(chances, 1, generator=row.random))
    return chosen


def _truncate(
    logits: Float[Tensor, " vocabulary"], sampling: Sampling
) -> Float[Tensor, " vocabulary"]:
    """Keep the `top_k` likeliest and the smallest set that holds `top_p` of the mass."""
    if sampling.top_k > 0:
        least = logits.topk(min(sampling.top_k, logits.numel())).values[-1]
        logits = logits.masked_fill(logits < least, float("-inf"))
    if sampling.top_p < 1:
        ordered, places = logits.sort(descending=True)
        before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
        logits = logits.index_fill(0, places[before >= sampling.top_p], float("-inf"))
    return logits


@contextmanager
def _adapted(lm: CausalLM, adapter: str) -> Iterator[None]:
    """Put a LoRA adapter on the model for a while, and take it off without a trace."""
    if not adapter:
        yield
        return
    try:
        from peft import PeftModel
    except ImportError:
        raise UserError("adapters need peft", "pip install peft") from None
    try:
        wrapped = PeftModel.from_pretrained(lm.model, adapter).eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise UserError(f"{adapter}: does not fit the model: {str(error).splitlines()[0]}") from (
            None
        )
    try:
        yield
    finally:
        lm.model = wrapped.unload()


def _common_prefix(prompts: list[list[int]]) -> list[int]:
    """Find the tokens all prompts begin with, always leaving each one token of its own."""
    if len(prompts) < 2:
        return []
    low, high = min(prompts), max(prompts)
    limit = min(map(len, prompts)) - 1
    same = 0
    while same < limit and low[same] == high[same]:
        same += 1
    return low[:same] if same >= MIN_PREFIX else []


def _batches(prompts: list[_Prompt], device: str) -> Iterator[list[_Prompt]]:
    """Cut prompts, longest first, into batches of a bounded number of rows and tokens."""
    budget, most = BATCH_TOKENS.get(device, 65_536), MAX_BATCH.get(device, 64)
    batch: list[_Prompt] = []
    longest_answer = 0
    for prompt in prompts:
        longest_answer = max(longest_answer, prompt.request.sampling.max_tokens)
        longest = len(batch[0].ids) if batch else len(prompt.ids)
        tokens = (longest + longest_answer) * (len(batch) + 1)
        if batch and (len(batch) >= most or tokens > budget):
            yield batch
            batch, longest_answer = [], prompt.request.sampling.max_tokens
        batch.append(prompt)
    if batch:
        yield batch
