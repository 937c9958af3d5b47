"""Our data files from the published ones, as `codeupdatearena data fetch` brings them."""

from collections.abc import Callable
from pathlib import Path

from tenpapers.data import Published, pack
from tenpapers.records import read_json, read_json_lines, write_jsonl

REPOSITORY = "leo-liuzy/CodeUpdateArena"
# The benchmark was published twice: first with its tests in lists, then in joined strings.
ARENAS = {"d0be369": "arena-grouped", "51ee453": "arena-grouped-strings"}
UNCHANGED = (
    "example_datum",
    "random_update_map",
    "sampled_humaneval_task_ids",
    "sampled_update_ids",
)


def make(published: Published, place: Callable[[str], Path]) -> None:
    """Write the arenas, the samples of the paper, the functions to update, and HumanEval's tasks.

    Parameters
    ----------
    place : gives the path of a data file by its name.
    """
    for commit, name in ARENAS.items():
        arena = published.file(REPOSITORY, "data/arena.jsonl", commit=commit)
        pack(arena, place(f"{name}.jsonl.gz"))
    for name in UNCHANGED:
        pack(published.file(REPOSITORY, f"data/{name}.json"), place(f"{name}.json"))
    sheets = map(read_json, published.files(REPOSITORY, "data/update_functions/"))
    write_jsonl(
        place("update_functions.jsonl.gz"),
        ({key: sheet[key] for key in sheet if key != "source_code"} for sheet in sheets),
    )
    sampled = read_json(published.file(REPOSITORY, "data/sampled_humaneval_task_ids.json"))
    tasks = read_json_lines(published.file("openai/human-eval", "data/HumanEval.jsonl.gz"))
    write_jsonl(
        place("humaneval-82.jsonl.gz"), (task for _, task in tasks if task["task_id"] in sampled)
    )
