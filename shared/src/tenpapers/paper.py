"""`paper.yaml`: what a package says of its paper, once, for everything that speaks about papers.

The README's table and CITATION.cff are made from it, `data fetch` brings its files, and the claims
of `results.json` are its claims.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from .errors import UserError
from .records import Record, first_problem

Verdict = Literal["shown", "not shown", "not testable here"]


class Code(Record):
    """The authors' repository; `commit` is the one that was read."""

    repository: str
    commit: str = ""
    licence: str = ""


class PublishedFile(Record):
    """One published file.

    Parameters
    ----------
    path : inside its repository.
    sha256, git_blob : its hash, at least one of them.
    size : in bytes; None where it is not known.
    makes : names of our data files that are made from it.
    """

    path: str
    sha256: str = ""
    git_blob: str = ""
    size: int | None = Field(alias="bytes", default=None)
    makes: list[str] = Field(default_factory=list)


class Publication(Record):
    """Files of one repository (`owner/name`) at one commit; `licence` is the files'."""

    repository: str
    commit: str
    licence: str = ""
    files: list[PublishedFile]


class HubSet(Record):
    """A data set of the hub; `revision` None is not pinned, because no source names one."""

    id: str
    revision: str | None = None
    configuration: str | None = None
    used_for: str = ""


class Claim(Record):
    """One claim of the paper in one sentence of ours, and the section that makes it."""

    id: str
    sentence: str
    section: str = ""


class Number(Record):
    """A number of the paper that could be confirmed.

    Parameters
    ----------
    id : what it is, e.g. "truthfulqa/LoFiT/Llama-2-7b/mc1".
    value : in `unit`.
    where : table, figure or section.
    """

    id: str
    value: float
    unit: str = ""
    where: str = ""


class PaperModel(Record):
    """A model of the paper's scale: spec, and the GPU memory it needs in GiB."""

    spec: str
    memory_gib: float | None = None
    role: str = ""


class Paper(Record):
    """All that a package says of its paper.

    Parameters
    ----------
    summary : one line for the README's table.
    number : one number of ours for the README's table, with what it measures.
    """

    title: str
    short_title: str = ""
    authors: list[str]
    venue: str = ""
    year: int
    arxiv: str = ""
    summary: str = ""
    number: str = ""
    code: Code | None = None
    data: list[Publication] = Field(default_factory=list)
    hub_sets: list[HubSet] = Field(default_factory=list)
    claims: list[Claim]
    numbers: list[Number] = Field(default_factory=list)
    models: list[PaperModel] = Field(default_factory=list)

    def confirmed(self, number: str) -> float | None:
        """A number of the paper by its id; None where it could not be confirmed."""
        return next((known.value for known in self.numbers if known.id == number), None)

    def revision(self, hub_set: str) -> str | None:
        """The pinned revision of a hub's data set; None where it is not pinned."""
        return next((known.revision for known in self.hub_sets if known.id == hub_set), None)


def load_paper(package: str) -> Paper:
    """Read the `paper.yaml` that a package ships."""
    return read_paper(Path(str(files(package).joinpath("paper.yaml"))))


def read_paper(file: Path) -> Paper:
    """Read one `paper.yaml`.

    Raises
    ------
    UserError : not YAML, or a field that does not fit.
    """
    import yaml

    try:
        return TypeAdapter(Paper).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise UserError(f"{file}: not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise UserError(f"{file}: {first_problem(error)}") from None


def judged(paper: Paper, verdicts: Mapping[str, tuple[Verdict, str]]) -> list[dict[str, Any]]:
    """The `claims` of `results.json`: every claim of the paper with its verdict.

    Parameters
    ----------
    verdicts : by claim id the verdict and the evidence in one sentence, both computed.

    Raises
    ------
    KeyError : a claim without a verdict, or a verdict without a claim.
    """
    unknown = verdicts.keys() - {claim.id for claim in paper.claims}
    if unknown:
        raise KeyError(f"no such claims: {', '.join(sorted(unknown))}")
    return [
        {"id": claim.id, "verdict": verdicts[claim.id][0], "evidence": verdicts[claim.id][1]}
        for claim in paper.claims
    ]
