import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def data_folder():
    named = os.environ.get("TENPAPERS_DATA")
    base = Path(named) if named else Path(__file__).parents[4] / "shared" / "data"
    return base / "tocot"


@pytest.fixture(scope="session")
def data():
    """The real inputs; tests that need them are skipped where they are absent."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip("no ../shared/data/tocot here (see its SOURCE.md)")
    return folder


@pytest.fixture(scope="session")
def replay(data):
    """All recorded pairs."""
    from tocot.records import Replay, read_rows

    return [
        row for file in sorted((data / "replay").glob("*.gz")) for row in read_rows(file, Replay)
    ]


@pytest.fixture(scope="session")
def model():
    """SmolLM2, loaded once."""
    from tenpapers.generation import open_generator

    with open_generator("smollm2", cache=False) as engine:
        yield engine


def write_rows(file, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return file


def read_lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def cli():
    """Run the command line in a process of its own."""

    def call(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "tocot", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
        )

    return call


def command(*arguments, code=0):
    """Run the command line in this process; it ends with the exit code."""
    from tocot.cli.main import app

    ended = app([str(argument) for argument in arguments], standalone_mode=False)
    assert (ended or 0) == code, ended


def fails(*arguments, told=()):
    """The command ends with a UserError of one line that tells all of `told`."""
    from tenpapers.errors import UserError

    with pytest.raises(UserError) as caught:
        command(*arguments)
    line = str(caught.value)
    assert "\n" not in line
    for part in told:
        assert str(part) in line, line


def pair(
    name,
    direct,
    cot,
    *,
    gold="A",
    kind="letter",
    question="q",
    task="t",
    source="s",
    texts=("one", "two", "three"),
):
    """A recorded pair; texts None for no choices."""
    choices = None
    if texts is not None:
        choices = {"label": list("ABCDEFG"[: len(texts)]), "text": list(texts)}
    return {
        "id": name,
        "source": source,
        "task": task,
        "answer_kind": kind,
        "question": question,
        "choices": choices,
        "gold": gold,
        "direct_response": direct,
        "cot_response": cot,
    }


def item(n=1, task="csqa", **more):
    """A question with two options, the first of them right."""
    from tocot.records import TaskItem

    base = {
        "id": f"i{n}",
        "task": task,
        "question": f"Question {n}?",
        "answer_kind": "letter",
        "gold": "A",
        "choices": {"label": ["A", "B"], "text": ["red", "blue"]},
    }
    return TaskItem(**(base | more))


def sums(n=1, **more):
    """A question whose answer is 7."""
    return item(n, "gsm8k", answer_kind="number", gold="7", choices=None, **more)
