"""Training from a file into a checkpoint's folder, in one process or several; and export."""

import dataclasses
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.records import read_json, write_json

from ..inputs.files import read_training
from ..retrieval.encoder import CONFIG, Encoder, identity_of
from .checkpoint import save_checkpoint
from .settings import TrainSettings
from .state import State
from .train import TrainReport, train

log = logging.getLogger(__name__)

METRICS = "metrics.json"
_STAGE, _WORK = "train", "state"


def train_file(
    file: Path,
    settings: TrainSettings,
    out: Path,
    *,
    overwrite: bool = False,
    wait: bool = False,
) -> TrainReport | None:
    """Fine-tune on a file of training rows, into the folder `out`.

    Under `accelerate launch` all processes train one model on one batch; the first one writes.

    Returns
    -------
    None in every process but the first.

    Raises
    ------
    UserError : see `read_training` and `train`; `out` holds a run of other settings or inputs.
    """
    _ = settings.kind  # an unknown scope is told first
    known = known_by(settings.base, identity_of(settings.base))
    key = key_of("cfr train", settings, without={"device"}, base=known)
    inputs = [file, *files_of(settings)]
    with _processes(settings) as (settings, first, together):
        if not first:
            together()
            if not (out / METRICS).exists():  # the first process finds a run that is done
                _trained(file, settings, State(out / _WORK, key))
            return None
        with Journal(out, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
            if journal.done(_STAGE):
                together()
                return TrainReport(**read_json(out / METRICS))
            work = journal.workspace(_WORK)
            together()
            encoder, report = _trained(file, settings, State(work, key))
            save_checkpoint(encoder, work / "model")
            _publish(journal, work / "model")
            write_json(journal.file(METRICS), report.as_json())
            journal.finish(_STAGE)
            journal.drop(_WORK)
    return report


def export_model(name: str, out: Path, *, overwrite: bool = False, wait: bool = False) -> None:
    """Write a model as a folder of sentence-transformers.

    Raises
    ------
    UserError : it cannot be loaded; `out` holds something else.
    """
    key = {"command": "cfr export", "model": known_by(name, identity_of(name))}
    with Journal(out, key=key, overwrite=overwrite, wait=wait) as journal:
        encoder = Encoder.for_search(name)
        if encoder.config.normalize_text:
            log.warning(
                "%s: was trained on normalised texts, which sentence-transformers does not know: "
                "normalise them before you encode",
                name,
            )
        work = journal.workspace(_WORK)
        save_checkpoint(encoder, work)
        _publish(journal, work)
        journal.drop(_WORK)


def _trained(file: Path, settings: TrainSettings, state: State) -> tuple[Encoder, TrainReport]:
    rows = read_training(file)
    dev = read_training(settings.dev) if settings.dev else None
    encoder = Encoder.load(
        settings.base,
        settings.pooling,
        settings.score == "cosine",
        device=settings.device or "",
    )
    return encoder, train(encoder, rows, settings, dev=dev, state=state, show="train")


def _publish(journal: Journal, made: Path) -> None:
    """Move the files of a complete folder under the journal's; the configuration comes last."""
    files = [path.relative_to(made) for path in made.rglob("*") if path.is_file()]
    for name in sorted(files, key=lambda path: (path.name == CONFIG, path.as_posix())):
        (made / name).replace(journal.file(name.as_posix()))


@contextmanager
def _processes(
    settings: TrainSettings,
) -> Iterator[tuple[TrainSettings, bool, Callable[[], None]]]:
    """Settings with this process's device, whether it is the first, and what waits for all."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield settings, True, lambda: None
        return
    try:
        from accelerate import PartialState
    except ImportError:
        raise UserError(
            "several processes: accelerate is not installed", "pip install accelerate"
        ) from None
    state = PartialState(cpu=settings.device == "cpu")
    try:
        own = dataclasses.replace(settings, device=str(state.device))
        yield own, state.is_main_process, state.wait_for_everyone
    finally:
        state.destroy_process_group()
