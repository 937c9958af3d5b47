"""TofuEval: summaries on a topic whose sentences experts judged; its documents lie elsewhere."""

import csv
import gzip
import io
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from tenpapers.errors import UserError
from tenpapers.records import read_json, read_json_lines

from ..records import GoldError, Instance

COLUMNS = ("doc_id", "topic", "model_name", "sent_idx", "summ_sent", "sent_label", "exp", "type")
ERROR_TYPES = (
    "Mis-Referencing",
    "Stating Opinion as Fact",
    "Reasoning Error",
    "Tense/Modality Error",
    "Extrinsic Information",
    "Contradiction",
    "Nuanced Meaning Shift",
)
# What names a document in the projects that have TofuEval's, and what holds its text.
_IDS = ("doc_id", "meeting_id", "id")
_TEXTS = ("document", "source", "source_doc", "transcript", "text")
_HOW = (
    "--documents FILE has {doc_id, document} a line: MeetingBank's are the test split of "
    "lytang/MeetingBank-transcript, MediaSum's news_dialogue.json"
)


class JudgedSentence(NamedTuple):
    """One line of TofuEval.

    Parameters
    ----------
    number : of the sentence as the file has it, from 1; a few are missing or stand there twice.
    types : names of its errors.
    """

    document: str
    topic: str
    model: str
    number: int
    text: str
    consistent: bool
    explanation: str
    types: tuple[str, ...]

    @property
    def summary(self) -> tuple[str, str, str]:
        """What tells the summary apart that it belongs to."""
        return self.document, self.topic, self.model


def read_sentences(file: Path) -> list[JudgedSentence]:
    """Read a file of TofuEval, compressed or not.

    Raises
    ------
    UserError : no such file, a column is missing, a line without a topic, an unknown label.
    """
    with _open(file) as stream:
        lines = csv.DictReader(stream)
        missing = [name for name in COLUMNS if name not in (lines.fieldnames or ())]
        if missing:
            raise UserError(f"{file}: is no file of TofuEval: no column {missing[0]!r}")
        return [_sentence(f"{file}:{number}", line) for number, line in enumerate(lines, 2)]


def read_tofueval(file: Path, documents: Path) -> list[Instance]:
    """Read summaries with their documents; a gold error is an inconsistent sentence.

    A summary is its sentences with one space between them, in the order of their numbers. `start`
    and `end` of a gold error are those of the sentence; experts marked no spans.

    Parameters
    ----------
    documents : `{doc_id, document}` a line, or MeetingBank's or MediaSum's own file.

    Raises
    ------
    UserError : see `read_sentences`; a summary whose document is not there.
    """
    sentences = sorted(enumerate(read_sentences(file)), key=lambda one: (*one[1].summary, one[0]))
    by_summary = groupby((sentence for _, sentence in sentences), key=lambda one: one.summary)
    summaries = [sorted(group, key=lambda one: one.number) for _, group in by_summary]
    store = read_documents(documents, {group[0].document for group in summaries})
    return [_instance(group, store, documents) for group in summaries]


def read_documents(file: Path, wanted: set[str]) -> dict[str, str]:
    """Read a store of documents, those that are wanted.

    Raises
    ------
    UserError : no such file, a line that is no document.
    """
    if file.suffix == ".json":
        rows = ((f"{file}: item {number}", row) for number, row in enumerate(read_json(file)))
    else:
        rows = ((f"{file}:{number}", row) for number, row in read_json_lines(file))
    store: dict[str, str] = {}
    for where, row in rows:
        name, text = _named(where, row)
        if name in wanted:
            store[name] = text
    return store


def _named(where: str, row: Any) -> tuple[str, str]:
    if isinstance(row, dict):
        name = next((str(row[key]) for key in _IDS if row.get(key) is not None), None)
        text = next((row[key] for key in _TEXTS if isinstance(row.get(key), str)), None)
        if name is not None and text is None and isinstance(row.get("utt"), list):
            turns = zip(row.get("speaker") or [], row["utt"], strict=False)
            text = "\n".join(f"{speaker}: {said}" for speaker, said in turns)
        if name is not None and text is not None:
            return name, text
    raise UserError(f"{where}: is no document", _HOW)


def _instance(group: list[JudgedSentence], store: dict[str, str], documents: Path) -> Instance:
    first = group[0]
    document = store.get(first.document, "")
    if not document.strip():
        raise UserError(f"{documents}: document {first.document!r} is not in it", _HOW)
    gold, start = [], 0
    for index, sentence in enumerate(group):
        end = start + len(sentence.text)
        if not sentence.consistent:
            gold.append(
                GoldError(
                    sentence_idx=index,
                    start=start,
                    end=end,
                    label=list(sentence.types),
                    explanation=sentence.explanation,
                )
            )
        start = end + 1
    more: dict[str, Any] = {"doc_id": first.document, "model_name": first.model}
    return Instance(
        id=" | ".join(first.summary),
        document=document,
        topic=first.topic,
        response=" ".join(sentence.text for sentence in group),
        gold=gold,
        **more,
    )


def _sentence(where: str, line: dict[str, str]) -> JudgedSentence:
    if not (line["topic"] or "").strip():
        raise UserError(f"{where}: its field 'topic' is empty", "a summary needs its topic")
    if line["sent_label"] not in ("yes", "no"):
        raise UserError(f"{where}: sent_label {line['sent_label']!r}", "yes or no")
    try:
        number = int(line["sent_idx"])
    except ValueError:
        raise UserError(f"{where}: sent_idx {line['sent_idx']!r} is no number") from None
    return JudgedSentence(
        document=line["doc_id"],
        topic=line["topic"],
        model=line["model_name"],
        number=number,
        text=line["summ_sent"],
        consistent=line["sent_label"] == "yes",
        explanation=line["exp"] or "",
        types=tuple(part.strip() for part in (line["type"] or "").split(",") if part.strip()),
    )


def _open(file: Path) -> io.TextIOBase:
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    if file.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(file, "rb"), encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def sentences_by_type(sentences: list[JudgedSentence]) -> dict[str, int]:
    """How many sentences have each type of error; one with two types counts for both."""
    return {name: sum(name in one.types for one in sentences) for name in ERROR_TYPES}
