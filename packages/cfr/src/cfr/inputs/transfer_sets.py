"""Other people's data sets as our rows: from a file, or from the hub at the pinned revision."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from tenpapers.errors import UserError
from tenpapers.paper import load_paper

from ..records import Judgement, Labels, Pool, Query
from . import claimdecomp, fever, hotpotqa, wice

DataSet = Literal["fever", "hotpotqa", "claimdecomp", "wice"]


@dataclass(frozen=True)
class HubFiles:
    """Where a set's rows lie on the hub.

    Parameters
    ----------
    hub_set : as in `hub_sets` of `paper.yaml`.
    pattern : files of a split, below the configuration's folder.
    split : that is taken where none is named.
    """

    hub_set: str
    pattern: str
    split: str


_HUB: dict[str, HubFiles] = {
    "fever": HubFiles("fever/fever", "{split}/*.parquet", "paper_dev"),
    "hotpotqa": HubFiles("hotpotqa/hotpot_qa", "{split}-*.parquet", "validation"),
}
# What to bring by hand where the hub is out of reach, and what the others are read from.
_FILES = {
    "fever": "paper_dev.jsonl of fever.ai",
    "hotpotqa": "hotpot_dev_distractor_v1.json of hotpotqa.github.io",
    "claimdecomp": "test.jsonl of github.com/jifan-chen/subquestions-for-fact-checking",
    "wice": "what `cfr data fetch` brings",
}


def transfer_rows(
    name: DataSet, file: Path | None = None, *, split: str | None = None, limit: int | None = None
) -> list[BaseModel]:
    """Rows of a data set.

    FEVER's are queries with `label` and `evidence_sets`; HotpotQA's and WiCE's are candidates with
    `relevant`; ClaimDecomp's are claims.

    Parameters
    ----------
    file : in the set's own form; a folder that is a copy of the hub's; None asks the hub.
    split : of the hub's; default `paper_dev` of FEVER, `validation` of HotpotQA.
    limit : only the first rows.

    Raises
    ------
    UserError : a file that is not of the set, a hub that is out of reach, a set it does not have.
    """
    if file is not None and not file.is_dir():
        return list(_of_file(name, file)[:limit])
    if name not in _HUB:
        raise UserError(f"{name}: is not on the hub", f"pass a file: {_FILES[name]}")
    rows = hub_rows(name, split, copy=file, limit=None if name == "fever" else limit)
    if name == "fever":  # of which a row holds one sentence of a claim's evidence
        return list(_fever_queries(fever.fever_claims(rows))[:limit])
    return [hotpotqa.pool_of(row, where) for where, row in rows]


def hub_rows(
    name: DataSet, split: str | None = None, *, copy: Path | None = None, limit: int | None = None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows of a data set of the hub, each with the words that name it in a message.

    The configuration and the revision are those of `paper.yaml`.

    Parameters
    ----------
    copy : folder with the hub's files, which is read in its stead.
    limit : no more rows than that.

    Raises
    ------
    UserError : `datasets` is not installed, the hub is out of reach, no such split.
    """
    try:
        from datasets import load_dataset
    except ImportError:
        raise UserError("datasets is not installed", "pip install datasets") from None
    files = _HUB[name]
    (pinned,) = (one for one in load_paper("cfr").hub_sets if one.id == files.hub_set)
    split = split or files.split
    home, revision = (files.hub_set, pinned.revision) if copy is None else (str(copy), None)
    where = {split: f"{pinned.configuration}/{files.pattern.format(split=split)}"}
    try:
        rows = load_dataset(home, data_files=where, split=split, revision=revision)
    except Exception as error:  # the client raises many kinds, of which none is a bug of ours
        raise UserError(
            f"{home}: {split} cannot be loaded: {type(error).__name__}",
            f"bring {_FILES[name]} here and pass the file",
        ) from None
    for number, row in enumerate(islice(rows, limit)):
        yield f"{home} {split}: row {number}", row


def pool_labels(pools: Iterable[Pool]) -> list[Labels]:
    """Which passages of pools answer, as labels."""
    return [
        Labels(
            qid=pool.qid,
            signal="gold",
            judgements=[
                Judgement(pid=passage.pid, score=float(hit), rel=1 if hit else 0)
                for passage in pool.passages
                for hit in [passage.pid in pool.relevant]
            ],
        )
        for pool in pools
    ]


def _of_file(name: DataSet, file: Path) -> Sequence[BaseModel]:
    if name == "fever":
        return _fever_queries(fever.read_fever(file))
    if name == "hotpotqa":
        return hotpotqa.read_hotpotqa(file)
    return claimdecomp.read_claimdecomp(file) if name == "claimdecomp" else wice.read_wice(file)


def _fever_queries(claims: Sequence[fever.FeverClaim]) -> list[Query]:
    return [
        Query.model_validate(
            claim.query.model_dump() | {"label": claim.label, "evidence_sets": claim.evidence_sets}
        )
        for claim in claims
    ]
