"""WiCE: claims of Wikipedia with the whole article that they cite and its supporting sentences.

Positives and negatives are windows of one real article, so that nothing can be learnt from the
style of a passage. The evaluation is ours, not the paper's.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import Passage, Pool

WORDS = 100  # of a window at most
# Rows of the development set that are trained on; the others are the test.
TRAIN_ROWS = 240


def read_wice(path: Path, *, words: int = WORDS) -> list[Pool]:
    """Claims, each with the windows of its own article.

    Raises
    ------
    UserError : not JSON, a missing field, a supporting sentence that the article does not have.
    """
    return [
        pool_of(row, number - 1, f"{path}:{number}", words=words)
        for number, row in read_json_lines(path)
    ]


def pool_of(row: dict[str, Any], number: int, where: str, *, words: int = WORDS) -> Pool:
    """One claim with its article's windows; a window with any supporting sentence is relevant.

    Parameters
    ----------
    number : of the row from 0; `qid` is `number:0`, and a window's `pid` is `number#window`.

    Raises
    ------
    UserError : see `read_wice`.
    """
    missing = [name for name in ("claim", "evidence", "supporting_sentences") if name not in row]
    if missing:
        raise UserError(f"{where}: missing field {missing[0]!r}")
    sentences: Sequence[str] = row["evidence"]
    supporting = {index for some in row["supporting_sentences"] for index in some}
    if supporting and not 0 <= min(supporting) <= max(supporting) < len(sentences):
        raise UserError(f"{where}: supporting sentence {max(supporting)} of {len(sentences)}")
    title = _title(sentences)
    passages, relevant, position = [], [], 0
    for window, indices in enumerate(packed([len(s.split()) for s in sentences], words)):
        text = " ".join(sentences[index] for index in indices)
        end = position + len(text.split())
        passage = Passage(pid=f"{number}#{window}", title=title, text=text, start=position, end=end)
        position = end
        passages.append(passage)
        if supporting.intersection(indices):
            relevant.append(passage.pid)
    return Pool(qid=f"{number}:0", claim=row["claim"], passages=passages, relevant=relevant)


def packed(lengths: Sequence[int], words: int) -> list[list[int]]:
    """Indices of sentences, packed in order into windows; a longer sentence stands alone."""
    windows: list[list[int]] = []
    filled = 0
    for index, length in enumerate(lengths):
        if not windows or filled + length > words:
            windows.append([])
            filled = 0
        windows[-1].append(index)
        filled += length
    return windows


def _title(sentences: Sequence[str]) -> str:
    """The page's title: what stands after `TITLE:` in the first line."""
    _, found, title = (sentences[0] if sentences else "").partition("TITLE:")
    return title.strip() if found else ""
