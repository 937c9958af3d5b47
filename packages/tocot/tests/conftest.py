from contextlib import contextmanager
from functools import partial

import pytest
import tenpapers.testing as shared

command = partial(shared.command, "tocot")
fails = partial(shared.fails, "tocot")
data = shared.data_fixture("tocot")


@pytest.fixture(scope="session")
def model():
    """SmolLM2, loaded once."""
    from tenpapers.generation import open_generator

    with open_generator("smollm2", cache=False) as engine:
        yield engine


@pytest.fixture(scope="session")
def tiny():
    """A random model that reads SmolLM2's tokens: quick, where what is said does not matter."""
    from tenpapers.generation import Generator
    from tenpapers.generation.hf import HFBackend
    from tenpapers.models import CausalLM, load_tokenizer

    tokenizer = load_tokenizer("smollm2")
    tokenizer.padding_side = "left"
    lm = shared.tiny_model("llama", vocab_size=len(tokenizer))
    lm.generation_config.eos_token_id = tokenizer.eos_token_id
    return Generator(HFBackend(CausalLM(lm, tokenizer, "tiny", "local")))


@pytest.fixture
def excerpt(data, tmp_path, monkeypatch):
    """The published data with the first 40 plans and formulas of each file."""
    folder = tmp_path / "data" / "tocot"
    for name in ("plans", "tasks"):
        for file in (data / name).glob("*.jsonl.gz"):
            shared.write_rows(folder / name / file.name, shared.read_rows(file)[:40])
    for name in ("replay", "meta"):
        (folder / name).symlink_to(data / name)
    monkeypatch.setenv("TENPAPERS_DATA", str(folder.parent))


@contextmanager
def kept(file):
    """The outputs of one task in a file, as a run keeps them."""
    from tenpapers.journal import Journal
    from tocot.answering.output_log import open_outputs

    with Journal.of_file(file, key={}) as journal, open_outputs(journal, file.name) as log:
        yield log


def graded(name, arm, correct=True, parsed=True, *, task="t", source="s", **more):
    """A graded response; its answer is A where there is one."""
    from tocot.records import Graded

    answer = "A" if parsed else None
    base = {"id": name, "source": source, "task": task, "arm": arm, "answer": answer}
    return Graded(**base, parsed=parsed, correct=correct, **more)


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


def letters(*texts):
    """What an extractor sees of a question with lettered options."""
    from tocot.records import Choices, PublicItem

    names = tuple("ABCDEFGHIJ"[: len(texts)])
    return PublicItem(id="1", answer_kind="letter", choices=Choices(label=names, text=texts))


def body(*lines):
    """A plan: a function `solution` of these lines."""
    return "def solution():\n" + "".join(f"    {line}\n" for line in lines)


def ask(model, items, folder, *options, code=0):
    """Ask a model by the command line; its outputs by setting and id."""
    file = folder / "items.jsonl"
    shared.write_rows(file, [one.model_dump() for one in items])
    task = items[0].task
    given = ["--model", model, "--tasks", task, "--data", file, "--budgets", "8,24", "--no-cache"]
    command("run", *given, *options, "--out", folder / "run", code=code)
    rows = shared.read_rows(folder / "run" / "outputs" / f"{task}.jsonl")
    return {(row["setting"], row["id"]): row for row in rows}
