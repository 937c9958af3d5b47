"""Other people's data sets as our rows: from a file, or from the hub at the pinned revision."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from tenpapers.errors import UserError
from tenpapers.paper import load_paper

from ..records import Judgement, Labels, Pool, Query
from . import claimdecomp, fever, hotpotqa, wice

DataSet = Literal["fever", "hotpotqa", "claimdecomp", "wice"]
# Sets that the hub has; of its rows the splits are "train", "validation" or their own names.
_HUB = {"fever": "fever/fever", "hotpotqa": "hotpotqa/hotpot_qa"}
# What to bring by hand where the hub is out of reach, and what the others are read from.
_FILES = {
    "fever": "paper_dev.jsonl of fever.ai",
    "hotpotqa": "hotpot_dev_distractor_v1.json of hotpotqa.github.io",
    "claimdecomp": "test.jsonl of github.com/jifan-chen/subquestions-for-fact-checking",
    "wice": "what `cfr data fetch` brings",
}


def transfer_rows(
    name: DataSet, file: Path | None = None, *, split: str = "validation", limit: int | None = None
) -> list[BaseModel]:
    """Rows of a data set.

    FEVER's are queries with `label` and `evidence_sets`; HotpotQA's and WiCE's are candidates with
    `relevant`; ClaimDecomp's are claims.

    Parameters
    ----------
    file : in the set's own form; None brings it from the hub.
    split : of the hub's.
    limit : only the first rows.

    Raises
    ------
    UserError : a file that is not of the set, a hub that is out of reach, a set it does not have.
    """
    if file is not None:
        return list(_of_file(name, file)[:limit])
    if name not in _HUB:
        raise UserError(f"{name}: is not on the hub", f"pass a file: {_FILES[name]}")
    rows = hub_rows(_HUB[name], split, limit=None if name == "fever" else limit)
    if name == "fever":  # of which a row holds one sentence of a claim's evidence
        return list(_fever_queries(fever.fever_claims(rows))[:limit])
    return [hotpotqa.pool_of(row, where) for where, row in rows]


def hub_rows(
    hub_set: str, split: str, *, limit: int | None = None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows of a data set of the hub, each with the words that name it in a message.

    Parameters
    ----------
    hub_set : as in `hub_sets` of `paper.yaml`, which says its configuration and revision.
    limit : no more rows than that.

    Raises
    ------
    UserError : not a set of the paper, `datasets` is not installed, the hub is out of reach.
    """
    known = {found.id: found for found in load_paper("cfr").hub_sets}
    if hub_set not in known:
        raise UserError(f"{hub_set}: no data set of this paper", f"one of {', '.join(known)}")
    try:
        from datasets import load_dataset
    except ImportError:
        raise UserError("datasets is not installed", "pip install datasets") from None
    chosen = known[hub_set]
    try:
        rows = load_dataset(hub_set, chosen.configuration, split=split, revision=chosen.revision)
    except Exception as error:  # the client raises many kinds, of which none is a bug of ours
        by_hand = next(_FILES[name] for name, known in _HUB.items() if known == hub_set)
        raise UserError(
            f"{hub_set}: cannot be loaded: {type(error).__name__}",
            f"bring {by_hand} here and pass the file",
        ) from None
    for number, row in enumerate(islice(rows, limit)):
        yield f"{hub_set} {split}: row {number}", row


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
