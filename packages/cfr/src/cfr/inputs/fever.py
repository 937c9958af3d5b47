"""FEVER: claims with sets of sentences of Wikipedia that decide them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import ClaimId, Query, Row

LABELS = ("SUPPORTS", "REFUTES", "NOT ENOUGH INFO")
# A sentence: title of its page as FEVER writes it, and number from 0.
Sentence = tuple[str, int]


class FeverClaim(Row):
    """A claim of FEVER.

    Parameters
    ----------
    evidence_sets : each of them decides the claim when all its sentences are found; none where
        there is not enough information.
    """

    claim_id: ClaimId
    claim: str
    label: str
    evidence_sets: Sequence[Sequence[Sentence]] = ()

    @property
    def query(self) -> Query:
        """The claim alone: FEVER has no subquestions."""
        return Query(qid=f"{self.claim_id}:0", claim=self.claim)

    @property
    def page_sets(self) -> list[frozenset[str]]:
        """The pages that each set of sentences is on, as people write them."""
        return [
            frozenset(page_title(page) for page, _ in sentences) for sentences in self.evidence_sets
        ]


def read_fever(path: Path) -> list[FeverClaim]:
    """Claims of the official files, or of the hub's, where a row holds one sentence of evidence.

    Raises
    ------
    UserError : a line that is not JSON or lacks a field, a label that FEVER does not have.
    """
    rows = [(f"{path}:{number}", row) for number, row in read_json_lines(path)]
    return fever_claims(rows)


def fever_claims(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> list[FeverClaim]:
    """Claims of rows, each with the words that name it in a message.

    Raises
    ------
    UserError : see `read_fever`.
    """
    claims: dict[ClaimId, dict[str, Any]] = {}
    sets: dict[ClaimId, dict[Any, list[Sentence]]] = {}
    for where, row in rows:
        missing = [name for name in ("id", "claim", "label") if name not in row]
        if missing:
            raise UserError(f"{where}: missing field {missing[0]!r}")
        if row["label"] not in LABELS:
            raise UserError(f"{where}: label {row['label']!r}", f"one of {', '.join(LABELS)}")
        known = {"claim_id": row["id"], "claim": row["claim"], "label": row["label"]}
        claims.setdefault(row["id"], known)
        own = sets.setdefault(row["id"], {})
        for name, sentence in _evidence(row):
            if sentence not in own.setdefault(name, []):
                own[name].append(sentence)
    return [
        FeverClaim(**known, evidence_sets=_distinct(sets[claim].values()))
        for claim, known in claims.items()
    ]


def page_title(page: str) -> str:
    """A title as people write it: FEVER has `_` for spaces and names for brackets and colons."""
    plain = page.replace("_", " ")
    for name, sign in (("-LRB-", "("), ("-RRB-", ")"), ("-LSB-", "["), ("-RSB-", "]")):
        plain = plain.replace(name, sign)
    return plain.replace("-COLON-", ":")


def _evidence(row: Mapping[str, Any]) -> Iterable[tuple[Any, Sentence]]:
    """Sentences of a row, each with the name of its set; those without a page are none."""
    if "evidence" in row:
        for number, sentences in enumerate(row["evidence"]):
            for sentence in sentences:
                if sentence[2] is not None:
                    yield number, (sentence[2], int(sentence[3]))
    elif row.get("evidence_wiki_url"):
        sentence = (row["evidence_wiki_url"], int(row["evidence_sentence_id"]))
        yield row.get("evidence_id"), sentence


def _distinct(sets: Iterable[list[Sentence]]) -> list[list[Sentence]]:
    """Sets of sentences, each once."""
    return list({frozenset(sentences): sentences for sentences in sets if sentences}.values())
