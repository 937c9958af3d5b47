import gzip
import json

import pytest
from codeupdatearena.inputs.fetched import UNCHANGED, make
from codeupdatearena.inputs.published_forms import read_arena_file
from tenpapers.testing import exactly_published, fetched, read_rows

FIRST, JOINED, LAST, HUMANEVAL = "d0be369", "51ee453", "836e2d1", "6d43fb9"


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_the_published_files_make_ours(tmp_path):
    sheet = {"api_path": "math.sin", "imports": ["import math"], "source_code": "def sin(x): ..."}
    small = {
        "example_datum": {"update": {"api_path": "math.sin"}},
        "random_update_map": {"[math.sin]": "[math.cos]"},
        "sampled_humaneval_task_ids": ["HumanEval/2"],
        "sampled_update_ids": ["[math.sin]"],
    }
    tasks = [{"task_id": "HumanEval/1", "test": "a"}, {"task_id": "HumanEval/2", "test": "b"}]
    files = {
        f"{FIRST}/data/arena.jsonl": lines([{"update": {}, "prog_syn_examples": [["a", "b"]]}]),
        f"{JOINED}/data/arena.jsonl": lines([{"update": {}, "prog_syn_examples": ["a\n\nb"]}]),
        f"{LAST}/data/update_functions/math.sin.json": json.dumps(sheet).encode(),
        f"{LAST}/data/update_functions/math.cos.json": json.dumps({"api_path": "cos"}).encode(),
        f"{HUMANEVAL}/data/HumanEval.jsonl.gz": gzip.compress(lines(tasks)),
    } | {f"{LAST}/data/{name}.json": json.dumps(value).encode() for name, value in small.items()}
    assert fetched("codeupdatearena", make, files, tmp_path) == {
        "arena-grouped.jsonl.gz": [{"update": {}, "prog_syn_examples": [["a", "b"]]}],
        "arena-grouped-strings.jsonl.gz": [{"update": {}, "prog_syn_examples": ["a\n\nb"]}],
        "update_functions.jsonl.gz": [
            {"api_path": "cos"},
            {"api_path": "math.sin", "imports": ["import math"]},
        ],
        "humaneval-82.jsonl.gz": [{"task_id": "HumanEval/2", "test": "b"}],
    } | {f"{name}.json": value for name, value in small.items()}


def without_source(sheet):
    """A published sheet of a function that has no source, in the published order of fields."""
    return dict(sorted((sheet | {"source_code": None}).items()))


@pytest.mark.acceptance
def test_rows_at_hand_come_back_from_their_published_forms(data, tmp_path):
    names = ("arena-grouped", "arena-grouped-strings", "update_functions", "humaneval-82")
    ours = {f"{name}.jsonl.gz": read_rows(data / f"{name}.jsonl.gz") for name in names}
    ours |= {f"{name}.json": json.loads((data / f"{name}.json").read_text()) for name in UNCHANGED}
    arena, joined, functions, tasks = (ours[f"{name}.jsonl.gz"] for name in names)
    files = {
        f"{FIRST}/data/arena.jsonl": lines(arena),
        f"{JOINED}/data/arena.jsonl": lines(joined),
        f"{HUMANEVAL}/data/HumanEval.jsonl.gz": gzip.compress(
            lines([{"task_id": "HumanEval/-1"}, *tasks])
        ),
    }
    for row in functions:
        path = f"{LAST}/data/update_functions/{row['api_path']}.json"
        files[path] = json.dumps(without_source(row), indent=4).encode()
    for name in UNCHANGED:
        files[f"{LAST}/data/{name}.json"] = (data / f"{name}.json").read_bytes()
    # Of the functions' sources only those that have none are at hand.
    assert len(exactly_published("codeupdatearena", files)) == len(UNCHANGED) + 28
    assert fetched("codeupdatearena", make, files, tmp_path) == ours
    arena = tmp_path / "data" / "arena-grouped.jsonl.gz"
    assert read_arena_file(arena) == read_arena_file(data / "arena-grouped.jsonl.gz")
