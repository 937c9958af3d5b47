"""Which demonstrations a prompt shows: drawn a row at a time, whatever the order of the rows."""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from tenpapers.errors import UserError

from ..records import IclRow, InputRow


def by_label(icl: Sequence[IclRow]) -> dict[str, list[IclRow]]:
    """Demonstrations of each label, by id: the order of the file does not matter."""
    pools: dict[str, list[IclRow]] = defaultdict(list)
    for row in sorted(icl, key=lambda row: row.id):
        pools[row.label].append(row)
    return dict(pools)


def draw_shots(
    row: InputRow, pools: Mapping[str, Sequence[IclRow]], shots: int, seed: int = 42
) -> list[IclRow]:
    """Demonstrations of one input: of its label, without replacement, never itself or its document.

    The generator is seeded by the input's id, so that neither order nor batch size matters.

    Raises
    ------
    UserError : more shots than the pool has.
    """
    pool = pools.get(row.label, ())
    rng = np.random.default_rng([seed, zlib.crc32(row.id.encode())])
    chosen: list[IclRow] = []
    for index in rng.permutation(len(pool)).tolist():
        if len(chosen) == shots:
            break
        if not _is_of(pool[index], {row.id}, {row.doc_id}):
            chosen.append(pool[index])
    if len(chosen) < shots:
        raise UserError(
            f"{shots} shots > pool: label {row.label!r} has {len(pool)} demonstrations",
            "fewer --shots; an input's own document is none of its demonstrations",
        )
    return chosen


def _is_of(shot: IclRow, rows: set[str], documents: set[str | None]) -> bool:
    """Whether a demonstration is one of these rows, or shows one of these documents."""
    return shot.id in rows or (shot.doc_id is not None and shot.doc_id in documents)


def group_shots(
    rows: Sequence[InputRow], icl: Sequence[IclRow], shots: int, groups: int | None, seed: int = 42
) -> dict[str, list[IclRow]]:
    """Demonstrations of every input by its id.

    Parameters
    ----------
    groups : sets of demonstrations a label: prompts with the same set share their prefix, which
        is computed once. None draws a set for every prompt, as the paper does. A label's inputs,
        in the order of their ids, go to the sets in turn.
    """
    pools = by_label(icl)
    if groups is None or shots == 0:
        return {row.id: draw_shots(row, pools, shots, seed) for row in rows}
    chosen: dict[str, list[IclRow]] = {}
    labelled: dict[str, list[InputRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.id):
        labelled[row.label].append(row)
    for label, members in sorted(labelled.items()):
        for number in range(groups):
            part = members[number::groups]
            if not part:
                continue
            own = {row.id for row in part}
            pool = [row for row in pools.get(label, []) if row.id not in own]
            head = part[0].model_copy(update={"id": f"{label}#group{number}", "doc_id": None})
            shared = draw_shots(head, {label: pool}, shots, seed)
            for row in part:
                # The few whose own document is shown leave the group's set.
                shows_own = any(_is_of(shot, set(), {row.doc_id}) for shot in shared)
                chosen[row.id] = draw_shots(row, pools, shots, seed) if shows_own else shared
    return chosen
