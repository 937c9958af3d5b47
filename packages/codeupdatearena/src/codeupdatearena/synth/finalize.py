"""From accepted problems to an arena file."""

from collections import defaultdict
from collections.abc import Sequence

from ..records import ProgSynExample
from .records import GeneratedExample

MIN_TESTS = 3
MIN_EXAMPLES = 3


def clean(examples: Sequence[GeneratedExample]) -> list[ProgSynExample]:
    """Drop tests the reference fails and tests with try/except; then examples under three tests."""
    kept = []
    for made in examples:
        tests = [
            test
            for test, passed in zip(made.example.unit_tests, made.tests_pass, strict=True)
            if passed and not ("try:" in test and "except" in test)
        ]
        if len(tests) >= MIN_TESTS:
            kept.append(made.example.model_copy(update={"unit_tests": tests}))
    return kept


def finalise(examples: Sequence[ProgSynExample]) -> list[ProgSynExample]:
    """Drop updates with fewer than three examples and number `prog_syn-j` from 0."""
    groups: dict[str, list[ProgSynExample]] = defaultdict(list)
    for example in examples:
        groups[example.update.update_id].append(example)
    return [
        example.model_copy(update={"prog_syn_id": f"{name}:[prog_syn-{j}]"})
        for name, group in groups.items()
        if len(group) >= MIN_EXAMPLES
        for j, example in enumerate(group)
    ]
