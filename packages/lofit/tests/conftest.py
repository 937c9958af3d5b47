import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")

TINY = {
    "vocab_size": 200,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def tiny(kind, seed=0, **more):
    """A random model of any architecture."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(TINY | more)))
    for parameter in model.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return model.eval()


def data_folder():
    named = os.environ.get("TENPAPERS_DATA")
    base = Path(named) if named else Path(__file__).parents[4] / "shared" / "data"
    return base / "lofit"


@pytest.fixture(scope="session")
def data():
    """The real inputs; tests that need them are skipped where they are absent."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip("no ../shared/data/lofit here (see its SOURCE.md)")
    return folder


@pytest.fixture(scope="session")
def lm():
    from tenpapers.models import load_causal_lm

    return load_causal_lm("smollm2")


@pytest.fixture(scope="session")
def mini():
    """The small data sets that ship with the package."""
    from importlib.resources import files

    return Path(str(files("lofit").joinpath("data/mini")))


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory, lm):
    """A random Llama of 4 layers of 4 heads with SmolLM2's tokenizer, as a checkpoint."""
    folder = tmp_path_factory.mktemp("tiny")
    model = tiny(
        "llama", vocab_size=len(lm.tokenizer), num_key_value_heads=2, max_position_embeddings=2048
    )
    model.save_pretrained(folder)
    lm.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def cli():
    """Run the command line in a process of its own; gives exit code, output and errors."""

    def call(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-c", "from lofit.cli.main import main; main()", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
        )

    return call
