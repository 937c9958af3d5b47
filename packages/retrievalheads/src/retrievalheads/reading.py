"""Running a model over many prompts that begin alike, each shared prefix once.

Both the needle grid (one haystack cut at different places) and SummHay (one haystack, many
insights) are such prompts. Keys and values of a prefix depend on nothing that follows, so what is
cached stays valid up to the first different token; the rest is cropped and computed anew.
"""

from collections.abc import Sequence
from typing import Any

# Tokens of one pass: with a cache, SDPA's mask has (pass x keys) numbers.
PASS = 2048


class PrefixReader:
    """Keeps the key-value cache of the last sequence and reuses what the next one shares with it.

    Parameters
    ----------
    model : transformers causal LM (or a peft model).

    Attributes
    ----------
    tokens : computed so far, cached ones not counted.
    cache : keys and values of the last sequence; whoever goes on with it takes a copy.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.tokens = 0
        self._ids: list[int] = []
        self.cache: Any = None

    def forget(self) -> None:
        """Compute the next sequence from its first token."""
        self._ids, self.cache = [], None

    def read(self, ids: Sequence[int], *, rows: int = 1) -> Any:
        """Run a sequence; logits of its last rows, float32 [rows, vocabulary].

        Those rows are computed in this call even where they are cached.
        """
        import torch

        ids = list(ids)
        keep = min(self._shared(ids), len(ids) - rows)
        self._crop(keep)
        logits = []
        with torch.inference_mode():
            for begin in range(keep, len(ids), PASS):
                block = torch.tensor([ids[begin : begin + PASS]], device=self.model.device)
                out = self.model(
                    block, past_key_values=self.cache, use_cache=True,
                    logits_to_keep=min(rows, block.shape[1]),
                )  # fmt: skip
                self.cache = out.past_key_values
                logits.append(out.logits[0])
        self.tokens += len(ids) - keep
        self._ids = ids
        return torch.cat(logits)[-rows:].float()

    def greedy(
        self, ids: Sequence[int], *, limit: int, stop: Any, draft: Sequence[int] = ()
    ) -> list[int]:
        """Greedy continuation, at most `limit` tokens, up to the first that `stop` holds of.

        `draft` is a text that the answer may repeat, whole or in parts: what would come next by it
        is tried in one pass, and as far as greedy decoding writes the same, no step of its own is
        needed. The answer is the same without it.
        """
        guess = list(draft)[:limit]
        answer: list[int] = []
        while True:
            logits = self.read([*ids, *answer, *guess], rows=len(guess) + 1)
            for step, token in enumerate(logits.argmax(-1).tolist()):
                if stop(token):
                    return answer
                answer.append(token)
                if len(answer) == limit:
                    return answer
                if step >= len(guess) or guess[step] != token:
                    break
            guess = _continued(answer, list(draft))[: limit - len(answer)]

    def _shared(self, ids: list[int]) -> int:
        """Number of tokens that the cache and this sequence begin with alike."""
        limit = min(len(ids), len(self._ids))
        if self._ids[:limit] == ids[:limit]:
            return limit
        low, high = 0, limit
        while low < high:  # the first difference, by halving
            middle = (low + high + 1) // 2
            if self._ids[:middle] == ids[:middle]:
                low = middle
            else:
                high = middle - 1
        return low

    def _crop(self, keep: int) -> None:
        extra = len(self._ids) - keep
        if not keep:
            self.cache = None
        elif extra:
            self.cache.crop(-extra)


def _continued(answer: Sequence[int], draft: list[int]) -> list[int]:
    """What follows the last two tokens of an answer (or its last one) in a draft."""
    for size in (2, 1):
        wanted = list(answer[-size:])
        for place in range(len(draft) - size, -1, -1):
            if draft[place : place + size] == wanted:
                return draft[place + size :]
    return []


def ends_answer(tokenizer: Any, model: Any) -> Any:
    """A test for tokens that end an answer: end of sequence, or a line break."""
    ends = model.generation_config.eos_token_id
    special = {*([ends] if isinstance(ends, int) else ends or []), tokenizer.eos_token_id}

    def stop(token: int) -> bool:
        return token in special or "\n" in tokenizer.decode([token])

    return stop
