"""Our data files from the published ones, as `cfr data fetch` brings them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tenpapers.data import Published, pack
from tenpapers.records import read_json, read_json_lines, write_jsonl

AVERITEC = "MichSchli/AVeriTeC"
HERO = "ssu-humane/HerO"
WICE = "ryokamoi/wice"
WIKIPEDIA = "OSU-NLP-Group/HippoRAG"
# The first claims of the development set, from which the pools of our study are made.
FIRST = 400
Row = dict[str, Any]


def make(published: Published, place: Callable[[str], Path]) -> None:
    """Write claims, web sentences and verdicts of AVeriTeC, WiCE's claims, and Wikipedia's text.

    Parameters
    ----------
    place : gives the path of a data file by its name.
    """
    dev = list(claims(published.file(AVERITEC, "data/dev.json")))
    write_jsonl(place("averitec_dev.jsonl.gz"), dev)
    write_jsonl(place("averitec_dev_0_399.jsonl.gz"), first(dev))
    write_jsonl(
        place("averitec_train.jsonl.gz"), claims(published.file(AVERITEC, "data/train.json"))
    )
    sentences = published.file(HERO, "data_store/baseline/dev_reranking_top_k.json")
    write_jsonl(place("averitec_dev_web_evidence_0_399.jsonl.gz"), first(web_sentences(sentences)))
    verdicts = published.file(HERO, "data_store/baseline/dev_veracity_prediction_8b.json")
    write_jsonl(place("averitec_dev_predictions_8b_0_399.jsonl.gz"), first(predictions(verdicts)))
    for split in ("dev", "test"):
        file = published.file(WICE, f"data/entailment_retrieval/claim/{split}.jsonl")
        pack(file, place(f"wice_claim_{split}.jsonl.gz"))
    corpus = published.file(WIKIPEDIA, "reproduce/dataset/2wikimultihopqa_corpus.json")
    write_jsonl(place("wiki_passages_6119.jsonl.gz"), paragraphs(corpus))


def claims(file: Path) -> Iterator[Row]:
    """Claims of a JSON list; their number is their `claim_id`."""
    for number, row in enumerate(read_json(file)):
        yield {"claim_id": number, **row}


def web_sentences(file: Path) -> Iterator[Row]:
    """For each claim the ten sentences that a system found best."""
    for _, row in read_json_lines(file):
        yield {name: row[name] for name in ("claim_id", "claim")} | {"passages": row["top_10"]}


def predictions(file: Path) -> Iterator[Row]:
    """Verdicts of a system with their evidence, without what its model said."""
    for row in read_json(file):
        yield {name: value for name, value in row.items() if name != "llm_output"}


def paragraphs(file: Path) -> Iterator[Row]:
    """Paragraphs of Wikipedia, numbered."""
    for number, row in enumerate(read_json(file)):
        yield {"id": number, **row}


def first(rows: Iterator[Row] | list[Row]) -> list[Row]:
    """Rows of the first claims, by their `claim_id`."""
    return [row for row in rows if row["claim_id"] < FIRST]
