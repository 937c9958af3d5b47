"""The feedback that a refiner reads: the critiques, numbered, one a line."""

from collections.abc import Sequence

from ..critique.critic import is_withheld
from ..critique.written_form import without_end_of_turn
from ..records import Critique


def feedback_of(critiques: Sequence[Critique]) -> str:
    """Critiques in the order of their sentences, each on a line, numbered from 1.

    The critic's own words stand there, whether they could be read or not (as in the paper's code);
    what a critic declined to say is no feedback.
    """
    told = sorted(
        (one for one in critiques if not is_withheld(one) and one.raw.strip()),
        key=lambda one: one.sentence_idx,
    )
    lines = (" ".join(without_end_of_turn(one.raw).split()) for one in told)
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))
