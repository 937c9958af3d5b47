"""HotpotQA, distractor setting: ten paragraphs of Wikipedia, two of which answer together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json, read_json_lines

from ..records import Passage, Pool


def read_hotpotqa(path: Path) -> list[Pool]:
    """Questions with their paragraphs: the official JSON list, or the hub's rows as JSON lines.

    The claim is empty and the query is the question; a paragraph's `pid` is its question's id and
    its number.

    Raises
    ------
    UserError : not JSON, a missing field, a supporting fact on a paragraph that is not there.
    """
    if ".jsonl" in path.suffixes:
        return [pool_of(row, f"{path}:{number}") for number, row in read_json_lines(path)]
    return [pool_of(row, f"{path}: row {number}") for number, row in enumerate(read_json(path))]


def pool_of(row: Mapping[str, Any], where: str) -> Pool:
    """One question, in the official form or the hub's.

    Raises
    ------
    UserError : see `read_hotpotqa`.
    """
    try:
        name = str(row.get("_id", row.get("id")))
        question, answer = str(row["question"]), str(row.get("answer", ""))
        paragraphs = _pairs(row["context"], "sentences")
        gold = {title for title, _ in _pairs(row["supporting_facts"], "sent_id")}
    except KeyError as error:
        raise UserError(f"{where}: missing field {error}") from None
    unknown = gold - {title for title, _ in paragraphs}
    if unknown:
        raise UserError(
            f"{where}: supporting fact on {min(unknown)!r}, which is no paragraph of it"
        )
    passages = [
        Passage(pid=f"{name}#{number}", title=title, text="".join(sentences).strip())
        for number, (title, sentences) in enumerate(paragraphs)
    ]
    return Pool(
        qid=f"{name}:0",
        claim="",
        question=question,
        answers=[answer] if answer else [],
        passages=passages,
        relevant=[passage.pid for passage in passages if passage.title in gold],
    )


def _pairs(value: Any, second: str) -> Sequence[tuple[str, Any]]:
    """`[[title, x], ...]`, or the hub's `{"title": [...], second: [...]}`."""
    if isinstance(value, Mapping):
        return list(zip(value["title"], value[second], strict=True))
    return [(title, content) for title, content in value]
