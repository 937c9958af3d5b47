import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")

TINY = {
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "max_position_embeddings": 4096,
}


def tiny(kind="llama", seed=0, **more):
    """A random model of any architecture, with attention that is not flat."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(TINY | more)))
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model.eval()


@pytest.fixture(scope="session")
def data():
    """The real inputs; tests that need them are skipped where they are absent."""
    named = os.environ.get("TENPAPERS_DATA")
    base = Path(named) if named else Path(__file__).parents[4] / "shared" / "data"
    folder = base / "retrievalheads"
    if not folder.is_dir():
        pytest.skip("no ../shared/data/retrievalheads here (see its SOURCE.md)")
    return folder


@pytest.fixture(scope="session")
def lm():
    from tenpapers.models import load_causal_lm

    return load_causal_lm("smollm2")


@pytest.fixture(scope="session")
def planted(lm):
    """Twenty prompts of part A, from real passages where they are at hand."""
    from retrievalheads.inputs.planted_phrase import planted_examples
    from retrievalheads.study.reproduce import _passages
    from retrievalheads.study.settings import data_folder

    passages, _ = _passages((data_folder() or Path()) / "nq_open_oracle.jsonl.gz")
    return planted_examples(lm.tokenizer, passages, 20)


@pytest.fixture(scope="session")
def toy():
    """The tiny checkpoint that ships with the package."""
    from retrievalheads.study.settings import toy_checkpoint
    from retrievalheads.training.tuned_model import load_base

    return load_base(f"hf:{toy_checkpoint()}")


@pytest.fixture
def cli():
    """Run the command line in a process of its own; gives exit code, output and errors."""

    def call(*arguments, **environment):
        return subprocess.run(
            [
                sys.executable,
                "-c",
                "from retrievalheads.cli.main import main; main()",
                *map(str, arguments),
            ],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
        )

    return call


def in_process(capsys, *arguments):
    """Run the command line here, which saves the start of a process; gives its output."""
    from retrievalheads.cli.main import app

    code = app([str(argument) for argument in arguments], standalone_mode=False)
    out = capsys.readouterr()
    assert not code, out.err
    return out.out
