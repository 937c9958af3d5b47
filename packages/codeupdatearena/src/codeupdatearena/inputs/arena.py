"""A loaded benchmark."""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.journal import known_by

from ..records import ProgSynExample
from .published_forms import HUB_ID, read_arena_file, read_hub


@dataclass(frozen=True)
class Arena:
    """Program-synthesis examples, all of one update side by side and sorted by their index."""

    examples: tuple[ProgSynExample, ...]

    @property
    def model_written(self) -> bool:
        """Whether a model wrote some of it, references and tests included."""
        return any(example.made_by for example in self.examples)

    @cached_property
    def by_id(self) -> dict[str, ProgSynExample]:
        """Examples by `prog_syn_id`."""
        return {example.prog_syn_id: example for example in self.examples}

    @property
    def summary(self) -> str:
        """Size in words."""
        tests = sum(len(example.unit_tests) for example in self.examples)
        return f"{len(self.examples)} examples of {len(self.by_update())} updates, {tests} tests"

    def by_update(self) -> dict[str, list[ProgSynExample]]:
        """Group by update id, in the order of the file."""
        groups: dict[str, list[ProgSynExample]] = defaultdict(list)
        for example in self.examples:
            groups[example.update.update_id].append(example)
        for group in groups.values():
            group.sort(key=example_index)
        return dict(groups)

    def select(self, *, ids: Path | None = None, limit: int | None = None) -> "Arena":
        """Keep the examples or updates named in a file (one id a line), then the first `limit`.

        Raises
        ------
        UserError : an id that the arena does not have.
        """
        examples = self.examples
        if ids is not None:
            if not ids.exists():
                raise UserError(f"{ids}: no such file")
            wanted = [line.strip() for line in ids.read_text().splitlines() if line.strip()]
            known = {*self.by_id, *(example.update.update_id for example in examples)}
            for number, name in enumerate(wanted, 1):
                if name not in known:
                    raise UserError(f"{ids}:{number}: unknown id {name}")
            names = set(wanted)
            examples = tuple(
                example
                for example in examples
                if example.prog_syn_id in names or example.update.update_id in names
            )
        return Arena(examples[:limit])


def example_index(example: ProgSynExample) -> int:
    """The j of `prog_syn-j`."""
    found = re.search(r"prog_syn-(\d+)\]$", example.prog_syn_id)
    return int(found.group(1)) if found else 0


def arena_file(source: Path | str) -> Path | None:
    """The file that an arena is read from; None for the hub's."""
    return None if str(source) == HUB_ID else Path(source)


def arena_key(source: Path | str, arena: Arena) -> dict[str, Any] | None:
    """What a journal's key says of an arena that no file holds: the hub's, by its content."""
    if arena_file(source) is not None:
        return None
    return known_by(HUB_ID, [example.model_dump(mode="json") for example in arena.examples])


def load_arena(source: Path | str) -> Arena:
    """Load a local arena file of any form, or the hub's data set by its id.

    Raises
    ------
    UserError : unreadable file, unreachable hub.
    """
    if str(source) == HUB_ID:
        return Arena(tuple(read_hub()))
    return Arena(tuple(read_arena_file(Path(source))))
