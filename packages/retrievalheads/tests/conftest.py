import copy
import os
import shlex
from pathlib import Path

import pytest
import torch
from tenpapers import testing
from tenpapers.models import CausalLM

os.environ.setdefault("HF_HUB_OFFLINE", "1")

data = testing.data_fixture("retrievalheads")
cli = testing.cli_fixture("retrievalheads")

IDS = torch.randint(3, 300, (2, 24), generator=torch.Generator().manual_seed(1))
TOY_IDS = torch.randint(3, 120, (1, 30), generator=torch.Generator().manual_seed(3))


def tiny(kind="llama", seed=0, **config):
    """A random model of any architecture, with attention that is not flat."""
    plain = {"num_key_value_heads": 2, "max_position_embeddings": 4096}
    return testing.tiny_model(kind, seed=seed, noise=0.05, **(plain | config))


def logits(model, ids=IDS, **more):
    with torch.inference_mode():
        return model(ids, **more).logits


def eager_tops(model, ids):
    """Attended places of all rows, and whether the two best probabilities are within 1e-6."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        out = model(ids[None], output_attentions=True, use_cache=False, logits_to_keep=1)
    model.set_attn_implementation(before)
    maps = torch.stack(out.attentions)[:, 0]
    best = maps.topk(2).values
    return maps.argmax(-1), best[..., 0] - best[..., 1] < 1e-6


def scores_of(values, model="m"):
    """Head scores of one example."""
    from retrievalheads.heads.score_files import HeadScores

    return HeadScores(model, "copy", "teacher", torch.tensor(values)[None], ids=["a"])


def fresh(toy):
    """A copy that a test may change."""
    return CausalLM(copy.deepcopy(toy.model), toy.tokenizer, toy.name, toy.identity)


@pytest.fixture(scope="session")
def lm():
    from tenpapers.models import load_causal_lm

    return load_causal_lm("smollm2")


@pytest.fixture(scope="session")
def tokenizer():
    """Of SmolLM2, without the model."""
    from tenpapers.models import load_tokenizer

    return load_tokenizer("smollm2")


@pytest.fixture(scope="session")
def reader(tmp_path_factory):
    """A random model, as a checkpoint: quick, and finds nothing."""
    return testing.tiny_checkpoint(tmp_path_factory.mktemp("reader"), noise=0.05)


@pytest.fixture(scope="session")
def planted(tokenizer):
    """Twenty prompts of part A, from real passages where they are at hand."""
    from retrievalheads.inputs.planted_phrase import planted_examples
    from retrievalheads.study.planted_part import QUESTIONS, passages_of
    from tenpapers.data import folder

    passages, _ = passages_of((folder("retrievalheads") or Path()) / QUESTIONS)
    return planted_examples(tokenizer, passages, 20)


@pytest.fixture(scope="session")
def toy():
    """The tiny checkpoint that ships with the package."""
    from retrievalheads.training.tuned_model import load_base

    return load_base(toy_spec())


def toy_spec():
    """Model spec of the tiny checkpoint."""
    from retrievalheads.study.settings import toy_checkpoint

    return f"hf:{toy_checkpoint()}"


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Toy datasets of two variants."""
    from retrievalheads.inputs.toy.examples import toy_examples
    from tenpapers.records import write_jsonl

    folder = tmp_path_factory.mktemp("world")
    for variant in ("real-full", "lh"):
        for split, count in (("train", 32), ("dev", 12), ("test", 10)):
            rows = toy_examples(variant, split, count, context=128, facts=4)
            write_jsonl(folder / variant / f"{split}.jsonl", rows)
    return folder


def in_process(capsys, *arguments):
    """Run the command line here, which saves the start of a process; gives its output."""
    testing.command("retrievalheads", *arguments)
    return capsys.readouterr().out


def typed(capsys, line):
    """Run a command line written as a user types it; gives its output."""
    return in_process(capsys, *shlex.split(line))


def wrong(*arguments):
    """The message of a command that must refuse its input; run here."""
    return testing.fails("retrievalheads", *arguments)
