"""The generation steps over many functions and updates, each restartable."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel
from tenpapers.errors import UserError
from tenpapers.generation import open_generator
from tenpapers.records import Appender, read_jsonl
from tenpapers.sandbox import SandboxPool
from tqdm import tqdm

from ..inputs.update_types import UpdateType, legal_update_types
from .function_sheet import find_function, read_sheets
from .problems import ProgSynGenerator
from .records import GeneratedExample, GeneratedUpdate, Rejection
from .settings import ProblemSettings, SynthSettings, UpdateSettings
from .stored_model import LLM, Rejected
from .updates import UpdateGenerator

MadeT = TypeVar("MadeT", bound=BaseModel)


def invent_updates(settings: UpdateSettings, out: Path) -> tuple[list[GeneratedUpdate], int]:
    """Invent the updates that are asked for -> `out/updates.jsonl`, `out/responses.jsonl`.

    Returns
    -------
    The accepted ones, and how many were wanted.

    Raises
    ------
    UserError : no function, one that does not exist, or an unknown type.
    """
    sheets = read_sheets(settings.sheets) if settings.sheets else {}
    paths = settings.functions or list(sheets)
    if not paths:
        raise UserError("no function to update", "pass --function PATH or --sheets FILE")
    for path in paths:
        find_function(path)
    types = settings.types or [legal.tag for legal in legal_update_types()]
    for tag in types:
        UpdateType.parse(tag)
    with _model(settings, out) as llm, SandboxPool() as pool:
        maker = UpdateGenerator(
            llm,
            pool,
            sheets=sheets,
            threshold=settings.threshold,
            folder=settings.prompts,
        )
        made = generate_updates(maker, paths, types, settings.count, out / "updates.jsonl")
    return made, len(paths) * len(types) * settings.count


def invent_problems(
    updates: Path, settings: ProblemSettings, out: Path
) -> tuple[list[GeneratedExample], int]:
    """Invent problems for the updates of a file -> `out/prog_syn.jsonl`, `out/responses.jsonl`.

    Returns
    -------
    The accepted ones, and how many were wanted.

    Raises
    ------
    UserError : not a file of accepted updates.
    """
    accepted = read_jsonl(updates, GeneratedUpdate)
    with _model(settings, out) as llm, SandboxPool() as pool:
        maker = ProgSynGenerator(llm, pool, threshold=settings.threshold, folder=settings.prompts)
        made = generate_problems(
            maker, accepted, settings.count, out / "prog_syn.jsonl", seed=settings.seed
        )
    return made, len(accepted) * settings.count


@contextmanager
def _model(settings: SynthSettings, out: Path) -> Iterator[LLM]:
    """Open the model that invents, and the file that keeps its responses."""
    store = out / "responses.jsonl"
    with (
        open_generator(settings.model, cache=False) as generator,
        closing(LLM(generator, store, seed=settings.seed, max_tokens=settings.max_tokens)) as llm,
    ):
        yield llm


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
