"""Asking the edited models: each example of the model that was edited for it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.generation import Generator, Request, open_generator
from tenpapers.journal import RowLog, known_by
from tenpapers.models.identity import folder_identity

from ..inputs.arena import Arena
from ..sampling.prompts import demonstration, render
from ..sampling.sample import Sampled, ask_repeatedly, sample_solutions
from ..sampling.settings import SolutionSettings
from .edits import Edit, check_base, is_whole_model, method_name, read_edits


def edited_requests(
    edits: Sequence[Edit],
    arena: Arena,
    folder: Path,
    settings: SolutionSettings,
    *,
    with_update: bool = False,
) -> list[Request]:
    """Make the requests of an arm.

    An edit of all weights has no adapter: its requests go to the saved model itself.

    Parameters
    ----------
    folder : where the edits lie.
    with_update : show the update's text at test time too.

    Raises
    ------
    UserError : an edit of an example that the arena does not have.
    """
    demo = demonstration(settings.demo)
    requests = []
    for edit in edits:
        if edit.prog_syn_id not in arena.by_id:
            raise UserError(f"{folder}: edit of an unknown id {edit.prog_syn_id}")
        prompt = render(
            arena.by_id[edit.prog_syn_id],
            demo,
            with_update,
            True,
            False,
            header=edit.arm != "ft-u",
            folder=settings.prompts,
        )
        saved = (folder / edit.adapter).resolve()
        adapter = "" if is_whole_model(saved) else str(saved)
        requests += ask_repeatedly(edit.prog_syn_id, prompt, settings, adapter)
    return requests


@dataclass(frozen=True)
class Edited:
    """Edits in their folder, and the model that takes their adapters.

    Where all weights were edited each edit is a model of its own, and `generator` is None.
    """

    folder: Path
    edits: Sequence[Edit]
    model: str
    generator: Generator | None

    def method(self, with_update: bool) -> str:
        """Name of the arm."""
        first = self.edits[0]
        return method_name(first.arm, random=first.random, with_update=with_update)

    def key(self) -> dict[str, Any]:
        """What a journal's key says of the models."""
        adapters = known_by(self.folder.name, folder_identity(self.folder / "adapters"))
        if self.generator is None:
            return {"adapters": adapters}
        model = known_by(self.model, self.generator.backend.identity)
        return {"adapters": adapters, "model": model}


@contextmanager
def open_edited(folder: Path, model: str, *, cache: bool = True) -> Iterator[Edited]:
    """Open the model that the adapters of a folder belong to.

    Parameters
    ----------
    folder : that `edit` wrote.
    model : its spec.

    Raises
    ------
    UserError : see `read_edits` and `check_base`; the model cannot be opened.
    """
    edits = read_edits(folder)
    if is_whole_model(folder / edits[0].adapter):
        yield Edited(folder, edits, "", None)
        return
    check_base(edits, model, folder)
    with open_generator(model, cache=cache) as generator:
        yield Edited(folder, edits, model, generator)


def sample_edited(
    edited: Edited,
    arena: Arena,
    settings: SolutionSettings,
    rows: RowLog,
    *,
    with_update: bool = False,
) -> Sampled:
    """Append a solution of every edit to `rows`, as often as the settings say.

    Raises
    ------
    UserError : see `edited_requests`.
    """
    method = edited.method(with_update)
    made, asked, failures = [], 0, []
    for spec, group in _by_engine(edited):
        requests = edited_requests(group, arena, edited.folder, settings, with_update=with_update)
        with ExitStack() as opened:
            generator = edited.generator
            if generator is None:
                generator = opened.enter_context(open_generator(spec, cache=False))
            part = sample_solutions(
                requests, generator, rows, method=method, model=spec, settings=settings
            )
        made += part.predictions
        asked += part.asked
        failures += part.failures
    rows.close(order=[f"{row.prog_syn_id}#{row.sample}" for row in made])
    return Sampled(made, asked, failures)


def _by_engine(edited: Edited) -> Iterator[tuple[str, Sequence[Edit]]]:
    """Yield model specs, each with the edits it answers for.

    Adapters go through one engine; models with all weights edited are opened one by one.
    """
    if edited.generator is not None:
        yield edited.model, edited.edits
        return
    for edit in edited.edits:
        yield f"hf:{(edited.folder / edit.adapter).resolve()}", [edit]
