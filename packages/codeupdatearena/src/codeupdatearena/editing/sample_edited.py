"""Asking the edited models: each example of the model that was edited for it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.generation import Request, open_generator

from ..inputs.arena import Arena
from ..records import Prediction
from ..sampling.prompts import demonstration, render
from ..sampling.sample import ask_repeatedly, sample_to_file
from ..sampling.settings import SolutionSettings
from .edits import Edit, is_whole_model, method_name


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


def sample_edited(
    edits: Sequence[Edit],
    arena: Arena,
    folder: Path,
    settings: SolutionSettings,
    out: Path,
    *,
    model: str,
    with_update: bool = False,
    cache: bool = True,
    overwrite: bool = False,
) -> list[Prediction]:
    """Append a solution of every edit to `out`, as often as the settings say.

    Parameters
    ----------
    model : spec of the model that the adapters belong to.

    Raises
    ------
    UserError : see `edited_requests` and `sample_to_file`.
    """
    method = method_name(edits[0].arm, random=edits[0].random, with_update=with_update)
    whole = is_whole_model(folder / edits[0].adapter)
    made: list[Prediction] = []
    for spec, group in _by_engine(edits, folder, "" if whole else model):
        requests = edited_requests(group, arena, folder, settings, with_update=with_update)
        with open_generator(spec, cache=cache and not whole) as generator:
            made += sample_to_file(
                requests,
                generator,
                out,
                method=method,
                model=spec,
                settings=settings,
                overwrite=overwrite and not made,
            )
    return made


def _by_engine(
    edits: Sequence[Edit], folder: Path, model: str
) -> Iterator[tuple[str, Sequence[Edit]]]:
    """Yield model specs, each with the edits it answers for.

    Adapters go through one engine; models with all weights edited (no common `model`) are opened
    one by one.
    """
    if model:
        yield model, edits
        return
    for edit in edits:
        yield f"hf:{(folder / edit.adapter).resolve()}", [edit]
