"""Part E: does the wording of the zero-shot cue matter?"""

from collections.abc import Mapping, Sequence
from typing import Any

from ..records import Output

# Which seven the paper took is not confirmed; these cover its groups.
TASKS = (
    "csqa",
    "stratqa",
    "arc_challenge",
    "agieval_lsat_ar",
    "mm_musr",
    "contexthub_deductive_level1",
    "gsm8k",
)


def variants_table(outputs: Mapping[str, Mapping[str, Sequence[Output]]]) -> list[dict[str, Any]]:
    """Accuracy of every wording, and their spread, one row a task.

    Parameters
    ----------
    outputs : by task and wording.
    """
    rows = []
    for task, by_variant in outputs.items():
        accuracies = {
            name: 100 * sum(bool(one.correct) for one in rows_of) / len(rows_of)
            for name, rows_of in by_variant.items()
            if rows_of
        }
        if accuracies:
            low, high = min(accuracies.values()), max(accuracies.values())
            best = [name for name, value in accuracies.items() if value == high]
            rows.append(
                {
                    "task": task,
                    "n": max(map(len, by_variant.values())),
                    **accuracies,
                    "min": low,
                    "max": high,
                    "spread": high - low,
                    "best": ", ".join(best),
                }
            )
    return rows
