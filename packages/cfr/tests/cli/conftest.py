"""One small world of files for the tests of all commands: what each of them reads."""

import json

import pytest
from tenpapers.testing import command, write_rows

from ..retrieval.conftest import make_checkpoint

URL = "https://a.org/mice"
TEXTS = {
    "a": "the vaccine was tested in mice",
    "b": "oil prices rose",
    "c": "trump praised the vaccine",
    "d": "fetal tissue contains oil",
}
NAMES = ["0", "1", "2"]


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Three claims with a question each, four passages, rankings, labels, an index, models."""
    folder = tmp_path_factory.mktemp("world")
    passages = [
        {"pid": pid, "text": text, "url": URL if pid == "a" else "https://b.org"}
        for pid, text in TEXTS.items()
    ]
    queries = [
        {"qid": f"{name}:0", "claim": f"vaccine claim {name}", "question": "what was tested"}
        for name in NAMES
    ]
    answer = {"answer": TEXTS["a"], "answer_type": "Extractive", "source_url": URL}
    asked = [{"question": "what was tested", "answers": [answer]}]
    claims = [
        {
            "claim_id": int(name),
            "claim": f"vaccine claim {name}",
            "label": "Supported",
            "questions": asked,
        }
        for name in NAMES
    ]
    results = [{"pid": pid, "score": 1 / rank, "rank": rank} for rank, pid in enumerate("ab", 1)]
    pages = [{"url": f"https://b.org/{pid}", "text": text} for pid, text in TEXTS.items()]
    answers = {"question": "what", "references": ["in mice"], "candidate": "mice", "context": ""}
    write_rows(folder / "passages.jsonl", passages)
    write_rows(folder / "pages.jsonl", pages)
    write_rows(folder / "claims.jsonl", claims)
    write_rows(folder / "queries.jsonl", queries)
    write_rows(folder / "candidates.jsonl", [row | {"passages": passages} for row in queries])
    write_rows(folder / "ranked.jsonl", [{"qid": q["qid"], "results": results} for q in queries])
    write_rows(folder / "answers.jsonl", [answers])
    asked = {"context": TEXTS["a"], "question": "tested in what", "reference": "mice"}
    judged = [("mice", 5), ("in mice", 4), ("oil", 1)]
    rows = [asked | {"candidate": text, "score": score} for text, score in judged]
    write_rows(folder / "mocha.jsonl", rows)
    for name in NAMES:
        stored = [{"url": row["url"], "url2text": [row["text"]]} for row in pages]
        write_rows(folder / "store" / f"{name}.json", stored)
    make_checkpoint(folder / "tiny")
    make_checkpoint(folder / "other", seed=7)
    _record(folder)
    given = ["--candidates", folder / "candidates.jsonl"]
    labels = folder / "gold.jsonl"
    command(
        *("cfr", "signals", "gold", *given, "--references", folder / "claims.jsonl"),
        *("--out", labels),
    )
    command("cfr", "make-train", "--labels", labels, *given, "--out", folder / "train.jsonl")
    command(
        *("cfr", "index", "--passages", folder / "passages.jsonl", "--encoder", folder / "tiny"),
        *("--out", folder / "index"),
    )
    return folder


def _record(folder):
    """Two models that are recorded: a teacher's grades, a reader's answers, a judge's verdicts."""
    for model, grade, said in (("one", 2, "in mice"), ("two", 0, "in oil")):
        grades = json.dumps({"1": grade, "2": 0, "3": 1})
        teacher = [{"id": f"{name}:0", "text": grades} for name in NAMES]
        write_rows(folder / f"teacher-{model}.jsonl", teacher)
        read = [{"id": f"{name}:0", "text": said} for name in NAMES]
        read += [
            {"id": f"{name}:0|{place}", "text": said if place else "not answered"}
            for name in NAMES
            for place in range(4)
        ]
        judged = [{"id": name, "text": f"{said}\nLABEL: Refuted"} for name in NAMES]
        write_rows(folder / f"model-{model}.jsonl", [*read, *judged])
