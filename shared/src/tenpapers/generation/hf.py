"""transformers in process: length-sorted batches, left padding, one pass over a shared prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import fsum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import UserError, first_line
from ..models.loading import CausalLM, load_causal_lm
from ..models.spec import ModelSpec
from .answers import open_thought, split_thought
from .encoding import admit, encode_scored
from .types import (
    Completion,
    FinishReason,
    Keep,
    Request,
    Score,
    by_adapter,
    forget,
    noise_seed,
)

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float, Float64
    from torch import Tensor

    from .prefix import Prefix

# Tokens of one batch, padding and answers included: bounds the KV cache, not the speed.
BATCH_TOKENS = {"cpu": 16_384, "cuda": 262_144}
MAX_BATCH = {"cpu": 16, "cuda": 256}
SCORED_LOGITS = 1 << 27  # of one batch of continuations: 512 MiB
PATTERN_TOKENS = 8  # how often a text is searched for its stop pattern


class _Prompt(NamedTuple):
    """A request and the tokens of its prompt."""

    request: Request
    ids: list[int]


class HFBackend:
    """Decodes with a loop of its own, for three things `generate` does not give.

    The key-value cache of a prefix that all prompts share is computed once; a row that is done
    leaves the batch; and every request samples from a random stream of its own, so that its
    text does not depend on its neighbours. Recurrent models (Mamba, Qwen3-Next) share no prefix,
    and their batches are of prompts of one length: padding would stay in their state.

    Parameters
    ----------
    lm : the loaded model.
    share_prefix : False runs every prompt in one piece, as edits of a last token need it.

    Raises
    ------
    UserError : an architecture whose state has no rows to choose from.
    """

    family = "hf"

    def __init__(self, lm: CausalLM, *, share_prefix: bool = True) -> None:
        from .prefix import Architecture

        self.lm = lm
        self._kind = Architecture.of(lm.model)
        self.share_prefix = share_prefix and self._kind.attends
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
        from .prefix import Prefix, common_prefix

        prompts: list[_Prompt] = []
        for request in requests:
            ids = admit(self.lm.tokenizer, request, self.lm.context, self.lm.template_options)
            if isinstance(ids, Completion):
                yield ids
            else:
                prompts.append(_Prompt(request, ids))
        prompts.sort(key=lambda prompt: (len(prompt.ids), prompt.request.id), reverse=True)
        shared = common_prefix([prompt.ids for prompt in prompts]) if self.share_prefix else []
        prefix = Prefix(self.lm.model, shared)
        for batch in _batches(prompts, self.lm.model.device.type, even=not self._kind.attends):
            yield from self._complete(batch, prefix)

    def _complete(self, batch: list[_Prompt], prefix: Prefix) -> Iterator[Completion]:
        """Decode one batch; a completion comes as soon as its row is done."""
        import torch

        from .prefix import select_rows

        kind, device = self._kind, self.lm.model.device
        # Samples of one prompt share a row until their first token.
        unique = {tuple(prompt.ids): row for row, prompt in enumerate(batch)}
        unique = {tokens: row for row, tokens in enumerate(unique)}
        ids, mask, past = prefix.rows(list(unique), self.lm.tokenizer.pad_token_id)
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        spread = torch.tensor([unique[tuple(prompt.ids)] for prompt in batch], device=device)
        rows = [self._row(prompt) for prompt in batch]
        with torch.inference_mode():
            while rows:
                given: dict[str, Any] = {kind.state: past, "use_cache": True, "logits_to_keep": 1}
                if kind.attends:
                    given["attention_mask"] = mask
                if kind.positions:
                    given["position_ids"] = positions
                output = self.lm.model(ids, **given)
                past = kind.state_of(output)
                logits = output.logits[:, -1].float()
                if len(logits) < len(rows):
                    select_rows(past, spread)
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
                    select_rows(past, select)
                    mask, positions = mask[select], positions[select]
                    chosen = [chosen[number] for number in kept]
                    rows = [rows[number] for number in kept]
                ids = torch.tensor(chosen, device=device)[:, None]
                mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
                positions = positions[:, -1:] + 1

    def _row(self, prompt: _Prompt) -> _Row:
        opened = open_thought(self._decoded(prompt.ids[-8:]))
        return _Row(prompt.request, prompt.ids, opened, self.lm.model.device)

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
        searched = sampling.stop_pattern and len(row.tokens) % PATTERN_TOKENS == 0
        if not (reason or sampling.stop or searched):
            return None
        text = row.opened + self._decoded(row.tokens)
        visible = split_thought(text).text
        if (cut := sampling.cut(visible)) is not None:
            text, reason = text.removesuffix(visible) + cut, "stop"
        if not reason:
            return None
        return Completion(
            id=row.request.id,
            text=text,
            finish_reason=reason,
            n_prompt_tokens=row.prompt_tokens,
            n_output_tokens=len(row.tokens),
        )

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Score continuations, batched behind one pass over the prompt.

        Raises
        ------
        UserError : an empty prompt, or one that does not fit the context with a continuation.
        """
        from .prefix import Prefix

        head, tails = encode_scored(self.lm.tokenizer, prompt, continuations, self.lm.context)
        prefix = Prefix(self.lm.model, head if self.share_prefix else [])
        device = self.lm.model.device.type
        vocabulary = self.lm.model.config.get_text_config().vocab_size
        scores: dict[tuple[int, ...], Score] = {(): Score(0.0, ())}
        waiting = sorted({*tails} - {()}, key=lambda tail: (-len(tail), tail))
        while waiting:
            longest = len(waiting[0])
            fitting = BATCH_TOKENS.get(device, 65_536) // (len(head) + longest)
            fitting = min(fitting, SCORED_LOGITS // (longest * vocabulary))
            fitting = max(1, min(fitting, MAX_BATCH.get(device, 64)))
            batch, waiting = waiting[:fitting], waiting[fitting:]
            scores |= zip(batch, self._scores(head, batch, prefix), strict=True)
        return [scores[tail] for tail in tails]

    def _scores(
        self, head: list[int], tails: list[tuple[int, ...]], prefix: Prefix
    ) -> Iterator[Score]:
        """Score the continuations of one batch; padding stands behind them and changes nothing."""
        import torch

        model, width = self.lm.model, len(tails[0])
        padded = torch.tensor([[*tail, *[0] * (width - len(tail))] for tail in tails])
        padded = padded.to(model.device)
        with torch.inference_mode():
            if not prefix.ids:
                heads = torch.tensor(head, device=model.device).expand(len(tails), -1)
                ids = torch.cat([heads, padded[:, :-1]], dim=1)
                logits = model(ids, use_cache=False, logits_to_keep=width).logits.float()
            else:
                logits = prefix.logits.expand(len(tails), 1, -1)
                if width > 1:
                    cache = prefix.cache([0] * len(tails))
                    rest = model(padded[:, :-1], past_key_values=cache, use_cache=True).logits
                    logits = torch.cat([logits, rest.float()], dim=1)
            chosen = logits.gather(2, padded[..., None])[..., 0] - logits.logsumexp(-1)
        for tail, row in zip(tails, chosen.tolist(), strict=True):
            values = row[: len(tail)]
            yield Score(fsum(values), tuple(values))

    def close(self) -> None:
        """Drop the model; once more is nothing."""
        self.__dict__.pop("lm", None)


class _Row:
    """A request in a batch, and what it has of its answer.

    Parameters
    ----------
    prompt : its tokens.
    opened : the tag of a thought that the prompt has begun already.
    """

    def __init__(
        self, request: Request, prompt: list[int], opened: str, device: torch.device
    ) -> None:
        self.request = request
        self.prompt_tokens = len(prompt)
        self.prompt = prompt if request.sampling.repetition_penalty != 1 else []
        self.opened = opened
        self.tokens: list[int] = []
        self.noise = _noise(noise_seed(request), device)


def _noise(seed: int, device: torch.device) -> Callable[[int], Float64[Tensor, " vocabulary"]]:
    """A stream of exponential noise: float64, where it is never rounded to 0."""
    import torch

    if device.type == "cpu":  # torch's generator takes 32 bits of a seed there
        numbers = np.random.Generator(np.random.Philox(key=seed))
        return lambda tokens: torch.from_numpy(numbers.standard_exponential(tokens))
    generator = torch.Generator(device).manual_seed(seed)
    like = torch.empty(0, dtype=torch.float64, device=device)
    return lambda tokens: like.new_empty(tokens).exponential_(generator=generator)


def _choose(logits: Float[Tensor, "rows vocabulary"], rows: list[_Row]) -> list[int]:
    """Pick the next token of every row; logits are float32.

    A draw is a race: token t arrives after a time of mean 1 / p(t), and the first one wins. Where
    logits differ in the last digits, as in another batch, it is won by the same token; a draw from
    cumulated chances would not be.
    """
    import torch
    from transformers import RepetitionPenaltyLogitsProcessor, TopKLogitsWarper, TopPLogitsWarper

    drawn: dict[tuple[float, int, float], list[int]] = {}
    for number, row in enumerate(rows):
        sampling = row.request.sampling
        if sampling.repetition_penalty != 1:
            seen = torch.tensor([row.prompt + row.tokens], device=logits.device)
            penalise = RepetitionPenaltyLogitsProcessor(float(sampling.repetition_penalty))
            logits[number] = penalise(seen, logits[number : number + 1])[0]
        if sampling.temperature > 0:
            key = (sampling.temperature, sampling.top_k, sampling.top_p)
            drawn.setdefault(key, []).append(number)
    chosen = logits.argmax(-1)
    for (temperature, top_k, top_p), numbers in drawn.items():
        select = torch.tensor(numbers, device=logits.device)
        kept = logits[select] / temperature
        if top_k > 0:
            kept = TopKLogitsWarper(top_k)(select, kept)
        if top_p < 1:
            kept = TopPLogitsWarper(top_p)(select, kept)
        times = torch.stack([rows[number].noise(logits.shape[1]) for number in numbers])
        chosen[select] = (kept - times.log()).argmax(-1)
    tokens: list[int] = chosen.tolist()
    return tokens


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
        raise UserError(f"{adapter}: does not fit the model: {first_line(error)}") from None
    try:
        yield
    finally:
        lm.model = wrapped.unload()


def _batches(prompts: list[_Prompt], device: str, *, even: bool) -> Iterator[list[_Prompt]]:
    """Cut prompts, longest first, into batches of a bounded number of rows and tokens.

    Parameters
    ----------
    even : a batch holds prompts of one length only.
    """
    budget, most = BATCH_TOKENS.get(device, 65_536), MAX_BATCH.get(device, 64)
    batch: list[_Prompt] = []
    longest_answer = 0
    for prompt in prompts:
        longest_answer = max(longest_answer, prompt.request.sampling.max_tokens)
        longest = len(batch[0].ids) if batch else len(prompt.ids)
        tokens = (longest + longest_answer) * (len(batch) + 1)
        uneven = even and len(prompt.ids) < longest
        if batch and (len(batch) >= most or tokens > budget or uneven):
            yield batch
            batch, longest_answer = [], prompt.request.sampling.max_tokens
        batch.append(prompt)
    if batch:
        yield batch
