"""transformers in process: length-sorted batches, left padding, one pass over a shared prefix."""

import copy
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import UserError
from ..models.loading import CausalLM, load_causal_lm
from ..models.spec import ModelSpec
from .encoding import encode, misfit
from .types import Completion, Request, Sampling, Score, by_adapter

# Tokens of one batch, padding and answers included: bounds the KV cache, not the speed.
BATCH_TOKENS = {"cpu": 16_384, "cuda": 262_144}
MAX_BATCH = {"cpu": 16, "cuda": 256}
MIN_PREFIX = 16
PATTERN_TOKENS = 8  # how often a text is searched for its stop pattern


class HFBackend:
    """Decodes with a loop of its own, for three things `generate` does not give.

    The key-value cache of a prefix that all prompts share is computed once; a row that is done
    leaves the batch; and every request samples from a random generator of its own, so that its
    text does not depend on its neighbours.
    """

    family = "hf"

    def __init__(self, lm: CausalLM, *, share_prefix: bool = True) -> None:
        """`share_prefix` off runs every prompt in one piece, as edits of a last token need it."""
        self.lm = lm
        self.share_prefix = share_prefix
        self.model, self.revision = lm.name, lm.revision
        ends = lm.model.generation_config.eos_token_id
        ends = [ends] if isinstance(ends, int) else (ends or [])
        self._ends = {*ends, lm.tokenizer.eos_token_id} - {None}

    @classmethod
    def load(cls, spec: ModelSpec) -> "HFBackend":
        """Load the model of an `hf:` spec."""
        return cls(load_causal_lm(spec))

    def stream(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Complete requests, one adapter after the other."""
        for adapter, group in by_adapter(requests).items():
            with _adapted(self.lm, adapter):
                yield from self._stream(group)

    def _stream(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Complete requests, longest first, so that the first batch shows whether memory holds."""
        prompts: list[tuple[Request, list[int]]] = []
        for request in requests:
            ids = encode(self.lm.tokenizer, request)
            if (failed := misfit(request, ids, self.lm.context)) is not None:
                yield failed
            else:
                prompts.append((request, ids))
        prompts.sort(key=lambda pair: (len(pair[1]), pair[0].id), reverse=True)
        prefix = _common_prefix([ids for _, ids in prompts]) if self.share_prefix else []
        cache = self._run_prefix(prefix)
        for batch in _batches(prompts, self.lm.model.device.type):
            yield from self._complete(batch, prefix, cache)

    def _run_prefix(self, prefix: list[int]) -> Any:
        import torch

        if not prefix:
            return None
        with torch.inference_mode():
            ids = torch.tensor([prefix], device=self.lm.model.device)
            return self.lm.model(ids, use_cache=True, logits_to_keep=1).past_key_values

    def _complete(
        self, batch: list[tuple[Request, list[int]]], prefix: list[int], cache: Any
    ) -> Iterator[Completion]:
        import torch

        model, device = self.lm.model, self.lm.model.device
        # Samples of one prompt share a row until their first token.
        unique = {tuple(ids): None for _, ids in batch}
        rests = [list(ids[len(prefix) :]) for ids in unique]
        width = max(map(len, rests))
        pad = self.lm.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(rest)) + rest for rest in rests], device=device)
        rest_mask = torch.tensor(
            [[0] * (width - len(rest)) + [1] * len(rest) for rest in rests], device=device
        )
        mask = torch.cat([rest_mask.new_ones(len(rests), len(prefix)), rest_mask], dim=1)
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, len(prefix) :]
        past = None
        if cache is not None:
            past = copy.deepcopy(cache)
            past.batch_repeat_interleave(len(rests))
        places = {key: place for place, key in enumerate(unique)}
        spread = torch.tensor([places[tuple(ids)] for _, ids in batch], device=device)
        rows = [_Row(request, len(ids), device) for request, ids in batch]
        active = list(range(len(rows)))
        with torch.inference_mode():
            while active:
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
                if len(logits) < len(active):
                    past.batch_select_indices(spread)
                    logits, mask, positions = logits[spread], mask[spread], positions[spread]
                chosen = _choose(logits, [rows[i] for i in active])
                keep = []
                for place, index in enumerate(active):
                    row = rows[index]
                    if (done := self._advance(row, chosen[place])) is None:
                        keep.append(place)
                    else:
                        yield done
                if len(keep) < len(active):
                    active = [active[place] for place in keep]
                    if not active:
                        return
                    select = torch.tensor(keep, device=device)
                    past.batch_select_indices(select)
                    mask, positions = mask[select], positions[select]
                    chosen = [chosen[place] for place in keep]
                ids = torch.tensor(chosen, device=device)[:, None]
                mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=1)
                positions = positions[:, -1:] + 1

    def _decoded(self, tokens: list[int]) -> str:
        return str(self.lm.tokenizer.decode(tokens, skip_special_tokens=True))

    def _advance(self, row: "_Row", token: int) -> Completion | None:
        """Append one token; the completion if that was the last."""
        sampling = row.request.sampling
        reason = ""
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
    def __init__(self, request: Request, prompt_tokens: int, device: Any) -> None:
        import torch

        self.request = request
        self.prompt_tokens = prompt_tokens
        self.tokens: list[int] = []
        self.random = torch.Generator(device=device).manual_seed(request.sampling.seed)


def _choose(logits: Any, rows: list[_Row]) -> list[int]:
    """Pick the next token of every row; logits float32, shape (rows, vocabulary)."""
    import torch

    greedy = logits.argmax(-1).tolist()
    for place, row in enumerate(rows):
        sampling = row.request.sampling
        if sampling.temperature > 0:
            chances = _truncate(logits[place] / sampling.temperature, sampling).softmax(-1)
            greedy[place] = int(torch.multinomial(chances, 1, generator=row.random))
    return greedy


def _truncate(logits: Any, sampling: Sampling) -> Any:
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


def _batches(
    prompts: list[tuple[Request, list[int]]], device: str
) -> Iterator[list[tuple[Request, list[int]]]]:
    budget, most = BATCH_TOKENS.get(device, 65_536), MAX_BATCH.get(device, 64)
    batch: list[tuple[Request, list[int]]] = []
    for request, ids in prompts:
        new = max([request.sampling.max_tokens, *(r.sampling.max_tokens for r, _ in batch)])
        longest = len(batch[0][1]) if batch else len(ids)
        if batch and (len(batch) >= most or (longest + new) * (len(batch) + 1) > budget):
            yield batch
            batch = []
        batch.append((request, ids))
    if batch:
        yield batch
