"""The generation steps over many functions and updates, each restartable."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel
from tenpapers.errors import UserError
from tenpapers.generation import open_generator
from tenpapers.journal import Journal, key_of, known_by
from tenpapers.records import read_jsonl
from tenpapers.sandbox import SandboxPool
from tqdm import tqdm

from ..inputs.update_types import UpdateType, legal_update_types
from .function_sheet import find_function, make_importable, read_sheets
from .problems import ProgSynGenerator
from .records import GeneratedExample, GeneratedUpdate, Rejection
from .settings import ProblemSettings, SynthSettings, UpdateSettings
from .stored_model import LLM, Rejected, open_responses
from .updates import UpdateGenerator

MadeT = TypeVar("MadeT", bound=BaseModel)


def invent_updates(
    settings: UpdateSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> tuple[list[GeneratedUpdate], int]:
    """Invent the updates that are asked for -> `out/updates.jsonl`, `out/responses.jsonl`.

    Returns
    -------
    The accepted ones, and how many were wanted.

    Raises
    ------
    UserError : no function, one that does not exist, or an unknown type; `out` holds a run of
        another model, other settings or inputs.
    """
    sheets = read_sheets(settings.sheets) if settings.sheets else {}
    paths = settings.functions or list(sheets)
    if not paths:
        raise UserError("no function to update", "pass --function PATH or --sheets FILE")
    make_importable(settings.library)
    for path in paths:
        find_function(path)
    types = settings.types or [legal.tag for legal in legal_update_types()]
    for tag in types:
        UpdateType.parse(tag)
    file = out / "updates.jsonl"
    given: dict[str, Any] = {"inputs": settings.inputs, "overwrite": overwrite, "wait": wait}
    with (
        _opened("synth update", settings, file, **given) as (llm, journal),
        SandboxPool(barriers=settings.barriers, path=settings.library) as pool,
    ):
        maker = UpdateGenerator(
            llm,
            pool,
            sheets=sheets,
            threshold=settings.threshold,
            folder=settings.prompts,
        )
        made = generate_updates(maker, paths, types, settings.count, journal, file.name)
    return made, len(paths) * len(types) * settings.count


def invent_problems(
    updates: Path,
    settings: ProblemSettings,
    out: Path,
    *,
    overwrite: bool = False,
    wait: bool = False,
) -> tuple[list[GeneratedExample], int]:
    """Invent problems for the updates of a file -> `out/prog_syn.jsonl`, `out/responses.jsonl`.

    Returns
    -------
    The accepted ones, and how many were wanted.

    Raises
    ------
    UserError : not a file of accepted updates; `out` holds a run of another model, other settings
        or inputs.
    """
    accepted = read_jsonl(updates, GeneratedUpdate)
    file, inputs = out / "prog_syn.jsonl", [updates, *settings.inputs]
    given: dict[str, Any] = {"inputs": inputs, "overwrite": overwrite, "wait": wait}
    with (
        _opened("synth prog-syn", settings, file, **given) as (llm, journal),
        SandboxPool(barriers=settings.barriers, path=settings.library, hidden=[updates]) as pool,
    ):
        maker = ProgSynGenerator(llm, pool, threshold=settings.threshold, folder=settings.prompts)
        made = generate_problems(
            maker, accepted, settings.count, journal, file.name, seed=settings.seed
        )
    return made, len(accepted) * settings.count


@contextmanager
def _opened(
    command: str, settings: SynthSettings, file: Path, **given: Any
) -> Iterator[tuple[LLM, Journal]]:
    """Open the model that invents, with the file that keeps its responses, and the run's journal.

    The two steps may share a folder: each has a journal and responses of its own.
    """
    with (
        open_generator(settings.model, cache=False) as generator,
        Journal.of_file(
            file,
            key=key_of(
                f"codeupdatearena {command}",
                settings,
                model=known_by(settings.model, generator.backend.identity),
            ),
            **given,
        ) as journal,
        open_responses(journal, _responses(file)) as store,
    ):
        yield LLM(generator, store, seed=settings.seed, max_tokens=settings.max_tokens), journal


def _responses(file: Path) -> str:
    """Name of the file of raw responses; that of `updates.jsonl` is `responses.jsonl`."""
    return "responses.jsonl" if file.stem == "updates" else f"{file.stem}.responses.jsonl"


def _each(
    wanted: dict[str, Callable[[], MadeT]],
    kind: type[MadeT],
    journal: Journal,
    file: str,
    name: Callable[[MadeT], str],
) -> list[MadeT]:
    """Make what is wanted and not yet made or rejected; one line each, as it is decided."""
    stem = Path(file).stem
    with (
        journal.rows(file, key=lambda row: name(kind.model_validate(row))) as rows,
        journal.rows(f"{stem}.rejected.jsonl", key=lambda row: str(row["subject"])) as refused,
    ):
        for subject, make in tqdm(wanted.items(), desc=stem, unit="item"):
            if subject in rows.rows or subject in refused.rows:
                continue
            try:
                rows.write(make())
            except Rejected as error:
                refused.write(Rejection(subject=subject, reason=str(error)))
    accepted = [rows.rows[subject] for subject in wanted if subject in rows.rows]
    return [kind.model_validate(row) for row in accepted]


def generate_updates(
    generator: UpdateGenerator,
    paths: Sequence[str],
    types: Sequence[str],
    count: int,
    journal: Journal,
    file: str,
) -> list[GeneratedUpdate]:
    """Make `count` updates of every type for every function; append them to `file` of a run.

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
    return _each(wanted, GeneratedUpdate, journal, file, lambda made: made.update.update_id)


def generate_problems(
    generator: ProgSynGenerator,
    updates: Sequence[GeneratedUpdate],
    count: int,
    journal: Journal,
    file: str,
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
    return _each(wanted, GeneratedExample, journal, file, lambda made: made.example.prog_syn_id)
