"""A training of LERC in a folder: the model, and what it came to."""

from pathlib import Path
from typing import Any

from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.models.identity import model_identity
from tenpapers.models.spec import ModelSpec
from tenpapers.records import read_json, write_json

from .lerc import fresh_lerc
from .lerc_settings import LercSettings
from .lerc_training import train_lerc
from .mocha import load_answer_pairs, load_minimal_pairs, load_mocha

MODEL, METRICS = "model", "metrics.json"


def train(
    settings: LercSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> dict[str, Any]:
    """Train a model into `out/model`; gives what is in `out/metrics.json`.

    Raises
    ------
    UserError : files that are not MOCHA's, a base that cannot be loaded, a folder that holds
        another run.
    """
    rows = load_mocha(settings.train)
    pairs = load_answer_pairs(settings.pairs) if settings.pairs else []
    dev = load_mocha(settings.dev) if settings.dev else []
    minimal = load_minimal_pairs(settings.minimal_pairs) if settings.minimal_pairs else []
    base = known_by(settings.base, model_identity(ModelSpec("hf", settings.base)))
    with Journal(
        out,
        key=key_of("cfr train-lerc", settings, base=base),
        inputs=files_of(settings),
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        if not journal.done("train"):
            lerc = fresh_lerc(settings.base, seed=settings.seed)
            report = train_lerc(lerc, rows, settings, pairs=pairs, dev=dev, minimal=minimal)
            with journal.folder(MODEL) as folder:
                lerc.save(folder)
            write_json(journal.file(METRICS), report.row())
            journal.finish("train")
        found: dict[str, Any] = read_json(out / METRICS)
    return found
