from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from lofit.records import ContrastItem, SFTExample, TokenSequence
from tenpapers.models import load_causal_lm, load_tokenizer
from tenpapers.testing import command, data_fixture, tiny_checkpoint, write_rows

data = data_fixture("lofit")


def sequences(n=16, length=9, vocabulary=200):
    """Random token ids of three lengths; the last two to four count."""
    draw = torch.Generator().manual_seed(3)
    return [
        TokenSequence(
            str(i),
            tuple(torch.randint(3, vocabulary, (length + i % 3,), generator=draw).tolist()),
            length - 2,
        )
        for i in range(n)
    ]


def contrast(n=12):
    return [
        ContrastItem(
            id=str(i), prompt=f"Q: item {i}? A:", positive=(" yes", " true"), negative=(f" no {i}",)
        )
        for i in range(n)
    ]


def examples(n=16):
    return [SFTExample(id=str(i), prompt=f"Q: item {i}? A:", completion=" yes") for i in range(n)]


def separable(n=400, width=16, planted=13):
    """Activations of 4 layers of 8 heads: of one head the classes lie six deviations apart."""
    draw = np.random.default_rng(0)
    labels = draw.integers(2, size=n)
    activations = draw.normal(size=(n, 32, width))
    way = draw.normal(size=width)
    way /= np.linalg.norm(way)
    activations[:, planted] += 6 * np.outer(labels - 0.5, way)
    return torch.tensor(activations, dtype=torch.float32).view(n, 4, 8, width), labels, way


def words(line, **options):
    """A command line: its words, then options whose values are paths or have blanks."""
    given = [(f"--{name.replace('_', '-')}", str(value)) for name, value in options.items()]
    return [*line.split(), *(word for pair in given for word in pair)]


@pytest.fixture
def lofit(capsys):
    """Run the command line in this process; gives what it printed."""

    def call(line, code=0, **options):
        command("lofit", *words(line, **options), code=code)
        return capsys.readouterr().out

    return call


@pytest.fixture(scope="session")
def lm():
    return load_causal_lm("smollm2")


@pytest.fixture(scope="session")
def tokenizer():
    return load_tokenizer("smollm2")


@pytest.fixture(scope="session")
def mini():
    """The small data sets that ship with the package."""
    return Path(str(files("lofit").joinpath("data/mini")))


@pytest.fixture(scope="session")
def tiny_spec(tmp_path_factory):
    """A random Llama of 4 layers of 4 heads, as a checkpoint."""
    return f"hf:{tiny_checkpoint(tmp_path_factory.mktemp('tiny'))}"


@pytest.fixture(scope="session")
def small(tiny_spec):
    return load_causal_lm(tiny_spec)


@pytest.fixture(scope="session")
def training_file(tmp_path_factory):
    """Sixteen questions with one answer, which begins with a y."""
    rows = [
        {"id": str(i), "prompt": f"Q: item {i}? A:", "completion": "yyyy", "answers": ["y"]}
        for i in range(16)
    ]
    return write_rows(tmp_path_factory.mktemp("data") / "train.jsonl", rows)


@pytest.fixture(scope="session")
def trained(training_file, tiny_spec, tmp_path_factory):
    """What the fixed interface of `train` leaves, once."""
    out = tmp_path_factory.mktemp("trained")
    line = "train --task jsonl --epochs 6 --lr 0.05 --tune-lr 0.3 --top-k 4"
    command("lofit", *words(line, data=training_file, model=tiny_spec, out=out))
    return out
