"""Running a model over many prompts that begin alike, each shared prefix once.

Both the needle grid (one haystack cut at different places) and SummHay (one haystack, many
insights) are such prompts. Keys and values of a prefix depend on nothing that follows, so what is
cached stays valid up to the first different token; the rest is cropped and computed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

# Tokens of one pass: with a cache, SDPA's mask has (pass x keys) numbers.
PASS = 2048
# Tokens of a guess that is copied from the prompt.
AHEAD = 16


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

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.tokens = 0
        self._ids: list[int] = []
        self.cache: DynamicCache | None = None

    def forget(self) -> None:
        """Compute the next sequence from its first token."""
        self._ids, self.cache = [], None

    @property
    def held(self) -> int:
        """How many tokens are cached."""
        return len(self._ids)

    def hold(self, ids: Sequence[int]) -> None:
        """Cache keys and values of exactly these tokens."""
        ids = list(ids)
        if common_length(ids, self._ids) < len(ids):
            self.read(ids)
        else:
            self._crop(len(ids))
            self._ids = ids

    def read(self, ids: Sequence[int], *, rows: int = 1) -> Float[Tensor, "rows vocabulary"]:
        """Run a sequence; logits of its last rows, float32.

        Those rows are computed in this call even where they are cached.
        """
        import torch

        ids = list(ids)
        keep = min(common_length(ids, self._ids), len(ids) - rows)
        self._crop(keep)
        if self.cache is None:
            self.cache = whole_cache()
        logits = []
        with torch.inference_mode():
            for begin in range(keep, len(ids), PASS):
                block = torch.tensor([ids[begin : begin + PASS]], device=self.model.device)
                out = self.model(
                    block,
                    past_key_values=self.cache,
                    use_cache=True,
                    logits_to_keep=min(rows, block.shape[1]),
                )
                self.cache = out.past_key_values
                logits.append(out.logits[0])
        self.tokens += len(ids) - keep
        self._ids = ids
        return torch.cat(logits)[-rows:].float()

    def greedy(
        self,
        ids: Sequence[int],
        *,
        limit: int,
        stop: Callable[[int], bool],
        draft: Sequence[int] = (),
    ) -> list[int]:
        """Greedy continuation, at most `limit` tokens, up to the first that `stop` holds of.

        `draft` is a text that the answer may repeat, whole or in parts: what would come next by it
        is tried in one pass, and as far as greedy decoding writes the same, no step of its own is
        needed. The answer is the same without it.
        """
        lookup = Draft(draft, ids)
        guess = lookup.first(limit)
        answer: list[int] = []
        while True:
            logits = self.read([*ids, *answer, *guess], rows=len(guess) + 1)
            written, more = taken(logits.argmax(-1).tolist(), guess, limit - len(answer), stop)
            answer += written
            if not more:
                return answer
            guess = lookup.after(answer, limit)

    def _crop(self, keep: int) -> None:
        extra = len(self._ids) - keep
        if not keep:
            self.cache = None
        elif extra and self.cache is not None:
            self.cache.crop(-extra)


def whole_cache() -> DynamicCache:
    """An empty cache that keeps every token in every layer.

    A model's own cache drops what lies before a sliding window; then it can no longer be cropped,
    and a key's number is no longer its place in the text. The window itself is the mask's matter.
    """
    from transformers import DynamicCache

    return DynamicCache()


def common_length(first: list[int], other: list[int]) -> int:
    """Number of tokens that two sequences begin with alike."""
    limit = min(len(first), len(other))
    if first[:limit] == other[:limit]:
        return limit
    low, high = 0, limit
    while low < high:  # the first difference, by halving
        middle = (low + high + 1) // 2
        if first[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class Draft:
    """What an answer may repeat, tried ahead of the model.

    Parameters
    ----------
    text : what it probably begins with (empty: nothing is tried).
    prompt : where it may go on copying from once it has left that.
    """

    def __init__(self, text: Sequence[int], prompt: Sequence[int]) -> None:
        self._text, self._prompt = list(text), list(prompt)

    def first(self, limit: int) -> list[int]:
        """The guess before anything is written."""
        return self._text[:limit]

    def after(self, answer: Sequence[int], limit: int) -> list[int]:
        """The guess for what follows an answer of which a part is written."""
        if not self._text:
            return []
        guess = _follows(answer, self._text, 2) or _follows(answer, self._prompt, 2)[:AHEAD]
        return (guess or _follows(answer, self._text, 1))[: limit - len(answer)]


def _follows(answer: Sequence[int], text: list[int], size: int) -> list[int]:
    """What follows the last place in a text that reads as the answer's last tokens."""
    wanted = list(answer[-size:])
    for place in range(len(text) - size, -1, -1):
        if text[place : place + size] == wanted:
            return text[place + size :]
    return []


def taken(
    best: Sequence[int], guess: Sequence[int], room: int, stop: Callable[[int], bool]
) -> tuple[list[int], bool]:
    """What greedy decoding writes of one pass, and whether it goes on.

    Parameters
    ----------
    best : likeliest next token in front of each token of the guess, and behind it.
    room : tokens that may still be written.
    """
    written: list[int] = []
    for step, token in enumerate(best):
        if stop(token):
            return written, False
        written.append(token)
        if len(written) == room:
            return written, False
        if step < len(guess) and guess[step] != token:
            break
    return written, True


def ends_answer(
    tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel
) -> Callable[[int], bool]:
    """A test for tokens that end an answer: end of sequence, or a line break."""
    ends = model.generation_config.eos_token_id if model.generation_config else None
    special = {*([ends] if isinstance(ends, int) else ends or []), tokenizer.eos_token_id}

    def stop(token: int) -> bool:
        return token in special or "\n" in tokenizer.decode([token])

    return stop
