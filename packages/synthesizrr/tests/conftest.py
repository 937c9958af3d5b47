from functools import partial

import pytest
from synthesizrr.inputs.task import load_task
from synthesizrr.records import IclRow, InputRow, TextRow
from synthesizrr.students.classifiers import StudentSpec
from tenpapers import testing
from tenpapers.testing import cli_fixture, data_fixture, tiny_checkpoint, write_rows
from tenpapers.testing import read_rows as read_lines

__all__ = ["AG", "WORDS", "command", "fails", "inputs", "pool", "read_lines", "rows", "write_rows"]

AG = load_task("ag_news")
WORDS = {"a": "apple banana cherry", "b": "wrench hammer nail"}

data = data_fixture("synthesizrr")
cli = cli_fixture("synthesizrr")
command = partial(testing.command, "synthesizrr")
fails = partial(testing.fails, "synthesizrr")


def rows(n, kind=TextRow, labels="ab"):
    """Rows of two labels that a student tells apart by their words."""
    return [
        kind(id=f"{label}{i}", text=f"{WORDS[label]} {i}", label=label)
        for i in range(n)
        for label in labels
    ]


def inputs(n=4):
    return [
        InputRow(
            id=f"in{i}",
            label=list(AG.labels)[i % 4],
            context=f"Document number {i}.",
            doc_id=f"d{i}",
            note=i,
        )
        for i in range(n)
    ]


def pool(n=3):
    return [
        IclRow(
            id=f"{label}{i}",
            label=label,
            example_text=f"Example {i} of {label}.",
            context=f"Shown document {i}.",
            seed_id=f"s{i}",
        )
        for label in AG.labels
        for i in range(n)
    ]


@pytest.fixture(scope="session")
def tokenizer():
    from tenpapers.models import load_tokenizer

    return load_tokenizer("smollm2")


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """A random BERT of 2 layers with MiniLM's tokenizer, as a checkpoint."""
    import torch
    from tenpapers.models import load_tokenizer
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = load_tokenizer("minilm")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def spec(tiny_encoder):
    """A student that learns `rows` in a second."""
    return StudentSpec("tiny", str(tiny_encoder), lr=5e-3, micro_batch=8, epochs=4)


@pytest.fixture(scope="session")
def tiny_teacher(tmp_path_factory):
    """A random language model, as a checkpoint."""
    return tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny-teacher")


@pytest.fixture(scope="session")
def teacher(tiny_teacher):
    """The random language model, loaded once: what it writes does not matter."""
    from tenpapers.generation import open_generator

    with open_generator(f"hf:{tiny_teacher}", cache=False) as model:
        yield model


@pytest.fixture(scope="session")
def news(tmp_path_factory):
    """Made-up news as files: train, test, docs, and seeds of four labels."""
    from synthesizrr.inputs.made_up_news import made_up_news

    folder = tmp_path_factory.mktemp("news")
    rows = made_up_news(20)
    plain = [{key: row[key] for key in ("id", "text", "label")} for row in rows]
    write_rows(folder / "train.jsonl", plain[::4])
    write_rows(folder / "test.jsonl", plain[1::4])
    documents = [{"id": row["id"], "text": f"{row['title']}. {row['text']}"} for row in rows[2::4]]
    write_rows(folder / "docs.jsonl", documents)
    return folder
