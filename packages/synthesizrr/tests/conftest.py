import gzip
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
    return base / "synthesizrr"


@pytest.fixture(scope="session")
def data():
    """The real inputs; tests that need them are skipped where they are absent."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip("no ../shared/data/synthesizrr here (see its SOURCE.md)")
    return folder


def rows_of(file):
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_rows(file, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return file


def read_lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture(scope="session")
def tokenizer():
    from tenpapers.models.loading import resolve_name
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(resolve_name("smollm2"))


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """A random BERT of 2 layers with MiniLM's tokenizer, as a checkpoint."""
    import torch
    from tenpapers.models.loading import resolve_name
    from transformers import AutoTokenizer, BertConfig, BertModel

    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = AutoTokenizer.from_pretrained(resolve_name("minilm"))
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


@pytest.fixture
def cli():
    """Run the command line in a process of its own; gives exit code, output and errors."""

    def call(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "synthesizrr", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
        )

    return call


def command(*arguments):
    """Run the command line in this process."""
    from synthesizrr.cli.main import app

    code = app([str(argument) for argument in arguments], standalone_mode=False)
    assert not code


def fails(*arguments, told=()):
    """The command ends with a UserError of one line that tells all of `told`."""
    from tenpapers.errors import UserError

    with pytest.raises(UserError) as caught:
        command(*arguments)
    line = str(caught.value)
    assert "\n" not in line
    for part in told:
        assert str(part) in line, line
    return line


@pytest.fixture(scope="session")
def teacher():
    """SmolLM2, loaded once."""
    from tenpapers.generation import open_generator

    with open_generator("smollm2", cache=False) as model:
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
