"""Our data files from the published ones, as `synthesizrr data fetch` brings them."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tenpapers.data import Published
from tenpapers.records import read_json_lines, write_json, write_jsonl

from .published_datasets import AG_LABELS

HUMOR = "sherinegeorge21/HumorDetectionPQA"
REVIEWS = "RickySkywalker/Synthesis_Step-by-Step_Official"
SENTENCES = "yueyu1030/ReGen"
ATTRIBUTES = "yueyu1030/AttrPrompt"
POLARITY = ("negative", "positive")  # by the number of a label
Row = dict[str, Any]


def make(published: Published, place: Callable[[str], Path]) -> None:
    """Write the labelled sets, the news corpus, and AttrPrompt's attributes.

    Parameters
    ----------
    place : gives the path of a data file by its name.
    """
    news = published.file("mhjabreel/CharCnn_Keras", "data/ag_news_csv/test.csv")
    write_jsonl(place("ag_news.jsonl.gz"), ag_news(news))
    jokes = published.file(HUMOR, "Humorous.csv")
    serious = published.file(HUMOR, "Non-humorous-unbiased.csv")
    write_jsonl(
        place("amazon_humor.jsonl.gz"),
        [*questions(jokes, "hum", "humorous"), *questions(serious, "nonhum", "non_humorous")],
    )
    write_jsonl(
        place("imdb_llm_synthetic.jsonl.gz"),
        [
            row
            for number in (1, 2)
            for row in reviews(
                published.file(REVIEWS, f"Datasets/IMDb/imdb_additional_{number}.json"), number
            )
        ],
    )
    write_jsonl(
        place("movie_sentences.jsonl.gz"),
        [
            *sentences(published.file(SENTENCES, "test/SST-2.json"), "sst2"),
            *sentences(published.file(SENTENCES, "test/mr.json"), "mr"),
        ],
    )
    corpus = published.file("piskvorky/gensim", "gensim/test/test_data/lee_background.cor")
    write_jsonl(place("abc_news_corpus.jsonl.gz"), documents(corpus))
    files = {
        data_set: published.files(ATTRIBUTES, f"datasets/{data_set}/attrprompt/")
        for data_set in ("agnews", "amazon")
    }
    found = {data_set: attributes(theirs) for data_set, theirs in files.items()}
    write_json(place("attrprompt_attributes.json"), found)


def ag_news(file: Path) -> Iterator[Row]:
    """News of a CSV without a header: number of the class, title, description."""
    for number, (label, title, text) in enumerate(_csv_rows(file)):
        yield {"id": f"agtest-{number}", "label": AG_LABELS[label], "title": title, "text": text}


def questions(file: Path, name: str, label: str) -> Iterator[Row]:
    """Questions about products, of a CSV with a header."""
    rows = _csv_rows(file)
    columns = next(rows)
    text, product = columns.index("question"), columns.index("product_description")
    for number, row in enumerate(rows):
        yield {
            "id": f"{name}-{number}",
            "label": label,
            "text": row[text].strip(),
            "product": row[product],
        }


def reviews(file: Path, number: int) -> Iterator[Row]:
    """Reviews that a language model wrote in one of its two rounds."""
    for line, row in read_json_lines(file):
        yield {
            "id": f"s3-{number}-{line - 1}",
            "label": POLARITY[row["label"]],
            "round": number,
            "text": row["text"],
        }


def sentences(file: Path, source: str) -> Iterator[Row]:
    """Sentences about movies; their label is published under the name of an id."""
    for line, row in read_json_lines(file):
        yield {
            "id": f"{source}-{line - 1}",
            "source": source,
            "label": POLARITY[row["_id"]],
            "text": row["text"],
        }


def documents(file: Path) -> Iterator[Row]:
    """Documents of a corpus with one on each line."""
    lines = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
    for number, line in enumerate(lines):
        yield {"id": f"abc-{number}", "text": line.strip()}


def attributes(files: list[Path]) -> dict[str, dict[str, list[str]]]:
    """Values of each attribute by class, or by the attribute itself where all classes share them.

    Parameters
    ----------
    files : `ATTRIBUTE/CLASS.jsonl` or `ATTRIBUTE/ATTRIBUTE.txt`, one value on each line.
    """
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for file in files:
        values = file.read_text(encoding="utf-8").split("\n")
        found[file.parent.name][file.stem] = [value for value in values if value.strip()]
    return found


def _csv_rows(file: Path) -> Iterator[list[str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        yield from csv.reader(stream)
