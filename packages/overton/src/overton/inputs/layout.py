"""The layout of the published outputs: which run, verdict or score lies in which file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tenpapers.errors import UserError

from .samples import model_name

LIMA, CONFLICTING = "LIMA-OE", "ConflictingQA"
DATASETS = (LIMA, CONFLICTING)


@dataclass(frozen=True)
class PublishedFolder:
    """A folder of published outputs, whole or any part of them.

    Parameters
    ----------
    root : holds a folder for each data set.
    """

    root: Path

    def outputs(self, dataset: str) -> dict[str, Path]:
        """Files of samples by model."""
        return self._named(dataset, "outputs")

    def greedy(self, dataset: str) -> dict[str, Path]:
        """Files of greedy samples by model."""
        return self._named(dataset, "outputs-temp0")

    def verdicts(self, dataset: str, judge: str) -> dict[str, Path]:
        """Files of a judge's verdicts, by model or `ref_A--alt_B`."""
        return self._named(dataset, judge)

    def bertscores(self, dataset: str) -> dict[tuple[str, str], Path]:
        """Files of published BERTScores, by reference and alternative."""
        found = self._named(dataset, "bertscore")
        pairs = {tuple(name.split("--", 1)): path for name, path in found.items()}
        return {(pair[0], pair[1]): path for pair, path in pairs.items() if len(pair) == 2}

    def embeddings(self, dataset: str) -> Path | None:
        """The embedded questions, where they are."""
        file = self.root / dataset / "embeddings" / "prompt_similar.npz"
        return file if file.is_file() else None

    def _named(self, dataset: str, kind: str) -> dict[str, Path]:
        return {model_name(file): file for file in _rows(self.root / dataset / kind)}


def published_folder(root: Path) -> PublishedFolder:
    """Open a folder of published outputs.

    Raises
    ------
    UserError : no such folder, or none of what we know in it.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    folder = PublishedFolder(root)
    kinds = ("outputs", "eval-stance", "eval-quality", "eval-missing", "extract-topics")
    known = (folder.verdicts(dataset, kind) for dataset in DATASETS for kind in kinds)
    if not any(known) and not any(folder.bertscores(dataset) for dataset in DATASETS):
        raise UserError(
            f"{root}: no published outputs in it",
            f"wanted: {LIMA}/outputs/MODEL.jsonl.gz and the like; for files of your own: "
            "overton analyse",
        )
    return folder


def pair_of(name: str) -> tuple[str, str] | None:
    """Reference and alternative of a file name such as `ref_A--alt_B`."""
    reference, mark, alternative = name.partition("--alt_")
    if not mark or not reference.startswith("ref_"):
        return None
    return reference.removeprefix("ref_"), alternative


def _rows(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for file in sorted(folder.iterdir()):
            if file.name.endswith((".jsonl", ".jsonl.gz")) and file.is_file():
                yield file
