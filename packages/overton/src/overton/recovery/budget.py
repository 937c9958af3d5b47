"""A prompt and its answer within the model's context."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tenpapers.errors import UserError

from ..records import InstanceId
from .prompts import Demo

# An answer is never made shorter than this for a prompt's sake; tokens.
LEAST_NEW = 256


class ContextOverflow(UserError):  # noqa: N818 - it is called so where the rule is written
    """A query that does not fit, whatever is left out.

    Parameters
    ----------
    instance : id of the query.
    needed, limit : tokens of prompt and answer together.
    """

    def __init__(self, instance: InstanceId, needed: int, limit: int) -> None:
        super().__init__(
            f"instance {instance!r} needs {needed} tokens, the context has {limit}",
            "shorten the query, or raise --context where the model has more",
        )
        self.instance, self.needed, self.limit = instance, needed, limit


@dataclass(frozen=True)
class Fitted:
    """A prompt that fits, and what it cost: examples left out, tokens left for the answer."""

    prompt: str
    n_dropped: int
    max_new_tokens: int


def fit(
    render: Callable[[Sequence[Demo]], str],
    demos: Sequence[Demo],
    count: Callable[[str], int] | None,
    *,
    instance: InstanceId,
    context: int,
    max_new_tokens: int,
) -> Fitted:
    """Write a prompt that leaves room for its answer.

    Examples go first, from the top: the one that stands farthest from the query before the others.
    Then the answer is made shorter, down to 256 tokens.

    Parameters
    ----------
    render : writes the prompt with some of the examples.
    count : tokens of a prompt; None where nobody here knows, and nothing is left out.
    context : tokens of prompt and answer together.

    Raises
    ------
    ContextOverflow : the query alone, with the shortest answer, is too long.
    """
    if count is None:
        return Fitted(render(demos), 0, max_new_tokens)
    for dropped in range(len(demos) + 1):
        prompt = render(demos[dropped:])
        room = context - count(prompt)
        if room >= max_new_tokens:
            return Fitted(prompt, dropped, max_new_tokens)
    least = min(LEAST_NEW, max_new_tokens)
    if room < least:
        raise ContextOverflow(instance, context - room + least, context)
    return Fitted(prompt, len(demos), room)
