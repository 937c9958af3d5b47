"""Our data files from the published ones, as `retrievalheads data fetch` brings them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tenpapers.data import Published, pack
from tenpapers.records import read_json, read_json_lines, write_jsonl

from .published_files import listed

LOST_IN_THE_MIDDLE = "nelson-liu/lost-in-the-middle"
SCORED_MODELS = ("Mistral-7B-v0.2-hf", "Yi-6B-200K", "llama-2-7b-80k")
SUMMHAY_FIELDS = (
    "topic",
    "subtopic_id",
    "subtopic",
    "summkey",
    "summary",
    "reference_insights",
    "annotation",
)
Row = dict[str, Any]


def make(published: Published, place: Callable[[str], Path]) -> None:
    """Write the questions with their passages, MuSiQue, SummHay, key-value pairs and head scores.

    Parameters
    ----------
    place : gives the path of a data file by its name.
    """
    oracle = published.file(LOST_IN_THE_MIDDLE, "qa_data/nq-open-oracle.jsonl.gz")
    write_jsonl(place("nq_open_oracle.jsonl.gz"), gold_passages(oracle))
    pairs = published.file(LOST_IN_THE_MIDDLE, "kv_retrieval_data/kv-retrieval-75_keys.jsonl.gz")
    pack(pairs, place("kv_retrieval_75.jsonl.gz"))
    chains = read_json(published.file("OSU-NLP-Group/HippoRAG", "data/musique_train.json"))
    write_jsonl(
        place("musique_ans_train_sample.jsonl.gz"),
        (row | {"paragraphs": listed(row["id"], row["paragraphs"])} for row in chains),
    )
    dev = read_json(published.file("peterbaile/lag", "data/musique/dev.json"))
    write_jsonl(place("musique_ans_dev_questions.jsonl.gz"), dev)
    summaries = read_json(
        published.file("salesforce/summary-of-a-haystack", "data/eval_benchmark_data.json")
    )
    write_jsonl(
        place("summhay_eval_benchmark.jsonl.gz"),
        ({name: row[name] for name in SUMMHAY_FIELDS} for row in summaries),
    )
    for model in SCORED_MODELS:
        scores = published.file("nightdessert/Retrieval_Head", f"head_score/{model}.json")
        pack(scores, place(f"head_scores_{model}.json.gz"))


def gold_passages(oracle: Path) -> Iterator[Row]:
    """Questions of the oracle setting, each with the one passage that answers it."""
    for number, row in read_json_lines(oracle):
        (gold,) = (passage for passage in row["ctxs"] if passage.get("isgold", True))
        yield {
            "id": f"nq{number - 1:04d}",
            "question": row["question"],
            "answers": row["answers"],
            "gold_title": gold["title"],
            "gold_text": gold["text"],
        }
