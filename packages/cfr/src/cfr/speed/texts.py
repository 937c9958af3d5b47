"""Texts to measure with: real ones where they are, made-up ones of their lengths elsewhere."""

from pathlib import Path

import numpy as np
from tenpapers import data

from ..inputs.files import read_texts
from .settings import BenchSettings

WIKIPEDIA = "wiki_passages_6119.jsonl.gz"
# Of texts that are made up where there are none.
_VOCABULARY = (
    "the of and in to a was is claim that for by with said people report year government water "
    "health court city school law food price oil energy team player season vaccine study doctor "
    "river bridge train road election vote party president minister country border army history"
)


def shuffled_texts(settings: BenchSettings) -> list[str]:
    """Texts of the given file, of the paper's data, or made up; drawn without replacement."""
    draw = np.random.default_rng(settings.seed)
    file = file_of(settings)
    if file is None:
        lengths = np.clip(draw.lognormal(4.2, 0.7, settings.texts), 5, 400).astype(int)
        vocabulary = _VOCABULARY.split()
        return [" ".join(draw.choice(vocabulary, size=length)) for length in lengths]
    known = read_texts(file)
    chosen = draw.permutation(len(known))[: settings.texts]
    return [known[row] for row in chosen]


def file_of(settings: BenchSettings) -> Path | None:
    """The given file, or that of the paper's data; None where it is not there."""
    file = settings.data
    if file is None and (folder := data.folder("cfr")) is not None:
        file = folder / WIKIPEDIA
    return file if file is not None and file.exists() else None
