"""What every evaluation gives, and a model with an intervention on it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tenpapers.errors import UserError
from tenpapers.generation import Completion, CompletionCache, Generator, Sampling
from tenpapers.generation.hf import HFBackend
from tenpapers.journal import RowLog
from tenpapers.models import CausalLM

from ..baselines.intervention import Intervention
from ..heads.edits import OffsetHeads
from ..inputs.encoding import request
from ..offsets.adapter import LofitAdapter
from ..records import (
    Asked,
    MultipleChoiceItem,
    MultipleChoiceResult,
    OpenAnswer,
    Prediction,
    PreferencePair,
    PreferenceResult,
    SFTExample,
)

ItemT = TypeVar("ItemT", SFTExample, MultipleChoiceItem, PreferencePair)
Item = Prediction | MultipleChoiceResult | OpenAnswer | PreferenceResult


@dataclass
class Evaluation:
    """What an evaluation gives: metrics in percent, per-item records, remarks.

    `n` answers were graded; `failed` requests of this run, of `asked`, got none. What was cut at
    the limit of tokens, and what a judge said nothing usable on, is counted by its items.
    """

    n: int
    metrics: dict[str, float]
    items: Sequence[Item]
    echo: dict[str, float] | None = None
    remarks: list[str] = field(default_factory=list)
    asked: int = 0
    failed: int = 0

    @property
    def unanswered(self) -> list[Prediction | OpenAnswer]:
        """Items that have no answer."""
        return [
            item for item in self.items if isinstance(item, Prediction | OpenAnswer) and item.error
        ]

    @property
    def truncated(self) -> int:
        """How many answers were cut at the limit of tokens."""
        answers = (item for item in self.items if isinstance(item, Prediction | OpenAnswer))
        return sum(answer.truncated for answer in answers)

    @property
    def unjudged(self) -> int:
        """How many answers lack a verdict, because a judge said neither yes nor no."""
        return sum(bool(item.unjudged) for item in self.items if isinstance(item, OpenAnswer))

    def as_results(self) -> dict[str, Any]:
        """For `results.json`."""
        return {
            "n": self.n,
            "failed": len(self.unanswered),
            "truncated": self.truncated,
            "unjudged": self.unjudged,
            "metrics": self.metrics,
            "echo": self.echo,
            "remarks": self.remarks,
        }


@contextmanager
def intervened(
    lm: CausalLM, intervention: Intervention | None, strength: float = 1.0
) -> Iterator[tuple[CausalLM, OffsetHeads | None]]:
    """The model with an intervention on it; its name in the cache says so.

    Gives also the edit that acts on answers only, where the intervention is one (ITI).
    """
    if intervention is None:
        yield lm, None
        return
    hooks = intervention.attach(lm.model, strength=strength)
    answer_only = None
    if isinstance(intervention, LofitAdapter) and intervention.positions == "last":
        assert isinstance(hooks, OffsetHeads)
        answer_only = hooks
    try:
        identity = f"{lm.identity}+{intervention.digest()}*{strength:g}"
        yield replace(lm, identity=identity), answer_only
    finally:
        hooks.remove()


def mean_percent(values: Sequence[float]) -> float:
    """Mean in percent, 0 for none."""
    return 100 * sum(values) / len(values) if values else 0.0


def completions(
    lm: CausalLM,
    prompts: Sequence[Asked],
    *,
    max_tokens: int,
    share_prefix: bool = True,
    chat: bool = False,
    stop: tuple[str, ...] = (),
    cache: CompletionCache | None = None,
    progress: str | None = None,
) -> Iterator[tuple[int, Completion]]:
    """Greedy completions as they come, each with the number of its prompt."""
    sampling = Sampling(max_tokens=max_tokens, stop=stop)
    requests = [
        request(lm.tokenizer, str(number), prompt, chat=chat, sampling=sampling)
        for number, prompt in enumerate(prompts)
    ]
    generator = Generator(HFBackend(lm, share_prefix=share_prefix), cache)
    for completion in generator.stream(requests, progress=progress):
        yield int(completion.id), completion


def missing(items: Sequence[ItemT], log: RowLog | None) -> Sequence[ItemT]:
    """Items that are asked.

    Raises
    ------
    UserError : two of one id, which a log cannot tell apart.
    """
    if log is None:
        return items
    counts = Counter(item.id for item in items)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise UserError(f"two items have the id {twice[0]!r}", "give each its own")
    return log.missing(items)


def degeneration(texts: Sequence[str]) -> list[str]:
    """Remarks on generations that look alike: a too strong edit makes them so."""
    if len(texts) < 4:
        return []
    remarks = [f"distinct outputs: {len(set(texts))} of {len(texts)}"]
    opening, count = Counter(" ".join(text.split()[:5]) for text in texts).most_common(1)[0]
    if count > len(texts) / 2:
        remarks.append(
            f"warning: {count} of {len(texts)} generations begin with the same words "
            f"({opening!r}); is the edit too strong?"
        )
    return remarks
