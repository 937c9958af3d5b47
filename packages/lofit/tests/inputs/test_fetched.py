import csv
import hashlib
import io
import json

import pytest
from lofit.inputs.fetched import PARTS, make
from tenpapers.testing import exactly_published, fetched, read_rows

COMMIT = "ebd344a/dataset"
COLUMNS = [
    "Type",
    "Category",
    "Question",
    "Best Answer",
    "Correct Answers",
    "Incorrect Answers",
    "Source",
]


def sha(question):
    return hashlib.sha256(question.encode()).hexdigest()[:16]


def table(rows):
    """A CSV of TruthfulQA's columns."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([COLUMNS, *rows])
    return out.getvalue().encode()


def published(tables, mquake, clutrr):
    """Files in the published forms: CSV by fold and part, JSON lines, and lists of JSON."""
    files = {
        f"{COMMIT}/truthfulqa/fold_{fold}_{part}_seed_42.csv": table(tables[fold][part])
        for fold in (0, 1)
        for part in PARTS
    }
    for part in PARTS:
        lines = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in mquake[part])
        files[f"{COMMIT}/MQuAKE/{part}.jsonl"] = lines.replace("/", "\\/").encode()
        files[f"{COMMIT}/clutrr/{part}.json"] = json.dumps(clutrr[part]).encode()
    return files


def test_the_published_files_make_ours(tmp_path):
    sky = ["Adversarial", "Nature", "Why is it blue? ", "Light", "Light; Air scatters", "Paint", ""]
    cat = ["Adversarial", "Animals", "Can cats fly?", "No", "No; They cannot ", "Yes; A bit", "w"]
    folds = [
        {"train": [cat], "val": [], "test": [sky]},
        {"train": [], "val": [sky], "test": [cat]},
    ]
    mquake = {part: [{"case_id": i, "answer": "a"}] for i, part in enumerate(PARTS)}
    clutrr = {part: [{"id": f"c{i}", "query": "q"}] for i, part in enumerate(PARTS)}
    found = fetched("lofit", make, published(folds, mquake, clutrr), tmp_path)
    assert found["truthfulqa.jsonl.gz"] == [
        {
            "id": 0,
            "sha": sha("Why is it blue?"),
            "type": "Adversarial",
            "category": "Nature",
            "question": "Why is it blue?",
            "best_answer": "Light",
            "correct_answers": ["Light", "Air scatters"],
            "incorrect_answers": ["Paint"],
            "source": "",
        },
        {
            "id": 1,
            "sha": sha("Can cats fly?"),
            "type": "Adversarial",
            "category": "Animals",
            "question": "Can cats fly?",
            "best_answer": "No",
            "correct_answers": ["No", "They cannot"],
            "incorrect_answers": ["Yes", "A bit"],
            "source": "w",
        },
    ]
    membership = found["truthfulqa_folds.json"]
    assert membership["sha_by_id"] == [sha("Why is it blue?"), sha("Can cats fly?")]
    assert membership["folds"] == [
        {"train": [1], "val": [], "test": [0]},
        {"train": [], "val": [0], "test": [1]},
    ]
    for i, part in enumerate(PARTS):
        assert found[f"mquake_{part}.jsonl.gz"] == [{"case_id": i, "answer": "a"}]
        assert found[f"clutrr_{part}.jsonl.gz"] == [{"id": f"c{i}", "query": "q"}]
    assert found["splits.json"].pop("comment")
    assert found["splits.json"] == {
        "mquake": {"train": [0], "val": [1], "test": [2]},
        "clutrr": {"train": ["c0"], "val": ["c1"], "test": ["c2"]},
    }


@pytest.mark.acceptance
def test_rows_at_hand_come_back_from_their_published_forms(data, tmp_path):
    questions = read_rows(data / "truthfulqa.jsonl.gz")
    folds = json.loads((data / "truthfulqa_folds.json").read_text())
    splits = json.loads((data / "splits.json").read_text())
    # Questions and cases that are not at hand: only their number and order is known.
    rows = {number: ["", "", f"not at hand {number}", "", "", "", ""] for number in range(817)}
    for row in questions:
        joined = ["; ".join(row[f"{kind}_answers"]) for kind in ("correct", "incorrect")]
        plain = [row[name] for name in ("type", "category", "question", "best_answer")]
        rows[row["id"]] = [*plain, *joined, row["source"]]
    tables = [
        {part: [rows[number] for number in fold[part]] for part in PARTS} for fold in folds["folds"]
    ]
    at_hand = {
        name: {part: read_rows(data / f"{name}_{part}.jsonl.gz") for part in PARTS}
        for name in ("mquake", "clutrr")
    }
    whole = {
        name: {part: in_full(at_hand[name][part], key, splits[name][part]) for part in PARTS}
        for name, key in (("mquake", "case_id"), ("clutrr", "id"))
    }
    files = published(tables, whole["mquake"], whole["clutrr"])
    # Those that are at hand in full are rebuilt to the byte.
    assert exactly_published("lofit", files) == {
        f"{COMMIT}/{name}"
        for part in ("train", "val")
        for name in (f"MQuAKE/{part}.jsonl", f"clutrr/{part}.json")
    }
    found = fetched("lofit", make, files, tmp_path)
    made = {row["id"]: row for row in found["truthfulqa.jsonl.gz"]}
    assert [made[row["id"]] for row in questions] == questions
    assert found["truthfulqa_folds.json"]["folds"] == folds["folds"]
    for row in questions:
        number = row["id"]
        assert found["truthfulqa_folds.json"]["sha_by_id"][number] == folds["sha_by_id"][number]
    assert found["splits.json"] | {"comment": splits["comment"]} == splits
    for name, parts in whole.items():
        for part, cases in parts.items():
            assert found[f"{name}_{part}.jsonl.gz"] == cases


def in_full(rows, key, ids):
    """Rows by the published order of their ids, with a stand-in for each that is not at hand."""
    known = {row[key]: row for row in rows}
    assert set(known) <= set(ids)
    return [known.get(name, {key: name}) for name in ids]
