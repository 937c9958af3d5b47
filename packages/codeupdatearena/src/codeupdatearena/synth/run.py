"""The generation steps over many functions and updates, each restartable."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel
from tenpapers.records import Appender, read_jsonl
from tqdm import tqdm

from .problems import ProgSynGenerator
from .records import GeneratedExample, GeneratedUpdate, Rejection
from .stored_model import Rejected
from .updates import UpdateGenerator

MadeT = TypeVar("MadeT", bound=BaseModel)


def _each(
    wanted: dict[str, Callable[[], MadeT]],
    kind: type[MadeT],
    out: Path,
    name: Callable[[MadeT], str],
) -> list[MadeT]:
    """Make what is wanted and not yet made or rejected; one line each, as it is decided."""
    rejections = out.with_name(f"{out.stem}.rejected.jsonl")
    with Appender(out) as sink, Appender(rejections) as refused:
        done = {name(made): made for made in read_jsonl(out, kind, allow_empty=True)}
        given_up = {r.subject for r in read_jsonl(rejections, Rejection, allow_empty=True)}
        for subject, make in tqdm(wanted.items(), desc=out.stem, unit="item"):
            if subject in done or subject in given_up:
                continue
            try:
                made = make()
            except Rejected as error:
                refused.write(Rejection(subject=subject, reason=str(error)))
                continue
            sink.write(made)
            done[subject] = made
    return [done[subject] for subject in wanted if subject in done]


def generate_updates(
    generator: UpdateGenerator, paths: Sequence[str], types: Sequence[str], count: int, out: Path
) -> list[GeneratedUpdate]:
    """Make `count` updates of every type for every function; append them to `out`.

    Rejections go to a file beside it, with their reason, and are not tried again.
    """

    def maker(path: str, kind: str, index: int) -> Callable[[], GeneratedUpdate]:
        return lambda: generator.run(path, kind, index)

    wanted = {
        f"[{path}]:[{kind}]:[update-{index}]": maker(path, kind, index)
        for path in paths
        for kind in types
        for index in range(count)
    }
    return _each(wanted, GeneratedUpdate, out, lambda made: made.update.update_id)


def generate_problems(
    generator: ProgSynGenerator,
    updates: Sequence[GeneratedUpdate],
    count: int,
    out: Path,
    *,
    seed: int,
    most_parameters: int = 4,
) -> list[GeneratedExample]:
    """Make `count` problems for every update; the number of parameters is drawn from the seed."""

    def maker(made: GeneratedUpdate, n_params: int, index: int) -> Callable[[], GeneratedExample]:
        return lambda: generator.run(made.update, n_params, index)

    rng = np.random.default_rng(seed)
    wanted = {
        f"{made.update.update_id}:[prog_syn-{index}]": maker(
            made, int(rng.integers(1, most_parameters + 1)), index
        )
        for made in updates
        for index in range(count)
    }
    return _each(wanted, GeneratedExample, out, lambda made: made.example.prog_syn_id)
