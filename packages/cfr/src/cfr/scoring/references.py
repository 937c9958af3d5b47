"""Verdicts, and what they are compared with: labels, pages and paragraphs that decide claims.

Each data set is read in its own form and in the one that `cfr convert` gives it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines, read_jsonl

from ..inputs.claimdecomp import read_claimdecomp
from ..inputs.claims import object_rows, read_claims
from ..inputs.fever import page_title, read_fever
from ..inputs.files import record_of
from ..inputs.hotpotqa import read_hotpotqa
from ..records import Claim, Pool, Query, Verdict


def read_verdicts(path: Path) -> list[Verdict]:
    """Verdicts, as JSON lines or as one JSON list, which is how the shared task takes them.

    Raises
    ------
    UserError : missing or empty file, a row that is no verdict (named).
    """
    verdicts = [record_of(Verdict, row, where) for where, row in object_rows(path)]
    if not verdicts:
        raise UserError(f"{path}: no records in it")
    return verdicts


def read_labelled(path: Path, dataset: Literal["averitec", "fever", "claimdecomp"]) -> list[Claim]:
    """Claims of a data set.

    Raises
    ------
    UserError : see the readers of the data sets.
    """
    if dataset == "averitec":
        return read_claims(path)
    first = _first(path)
    if dataset == "claimdecomp":
        return read_claimdecomp(path) if "annotations" in first else read_claims(path)
    if "qid" in first:
        return [_claim(query) for query in read_jsonl(path, Query)]
    return [
        Claim(claim_id=one.claim_id, claim=one.claim, label=one.label) for one in read_fever(path)
    ]


def read_page_sets(path: Path) -> dict[str, list[frozenset[str]]]:
    """Of each claim of FEVER, by its query, the sets of pages that decide it.

    Raises
    ------
    UserError : see `read_fever`.
    """
    if "qid" not in _first(path):
        return {claim.query.qid: claim.page_sets for claim in read_fever(path)}
    return {
        query.qid: [
            frozenset(page_title(page) for page, _ in sentences)
            for sentences in getattr(query, "evidence_sets", ())
        ]
        for query in read_jsonl(path, Query)
    }


def read_gold_paragraphs(path: Path) -> dict[str, list[str]]:
    """Of each question of HotpotQA, by its query, the names of its gold paragraphs.

    Raises
    ------
    UserError : see `read_hotpotqa`.
    """
    is_ours = ".jsonl" in path.suffixes and "relevant" in _first(path)
    pools = read_jsonl(path, Pool) if is_ours else read_hotpotqa(path)
    return {pool.qid: list(pool.relevant) for pool in pools}


def _first(path: Path) -> Mapping[str, Any]:
    for _, row in read_json_lines(path):
        return row if isinstance(row, Mapping) else {}
    return {}


def _claim(query: Query) -> Claim:
    name = query.qid.rpartition(":")[0] or query.qid
    return Claim(claim_id=name, claim=query.claim, label=getattr(query, "label", None))
