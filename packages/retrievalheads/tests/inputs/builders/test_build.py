"""Datasets: the same bytes for the same seed, sizes, what is dropped."""

import hashlib
import json

import pytest
from retrievalheads.inputs.builders.build import load_tokenizer
from retrievalheads.inputs.prompt_rendering import render
from retrievalheads.records import load_examples
from tenpapers.errors import UserError

from ...builds import built


def digests(folder):
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.glob("*.jsonl")}


@pytest.mark.parametrize(("variant", "workers"), [("hh", 2), ("symbolic", 1)])
def test_equal_seeds_give_equal_bytes(variant, workers, facts, tmp_path):
    """With one and two workers; and the first ten of more are the ten of fewer."""
    small = {"n": 10, "n_dev": 0, "n_test": 0}
    built(tmp_path / "a", facts, variant=variant, **small)
    built(tmp_path / "b", facts, variant=variant, workers=workers, **small)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert manifest["sha256"] == digests(tmp_path / "a")
    more = built(tmp_path / "c", facts, variant=variant, **(small | {"n": 30}))
    assert more[:10] == load_examples(tmp_path / "a" / "train.jsonl")
    other = built(tmp_path / "d", facts, variant=variant, seed=1, **small)
    assert other != more[:10]


def test_a_context_that_is_too_small_is_dropped_or_told(questions, tmp_path):
    with pytest.raises(UserError, match=r"0 usable.*8 wanted.*need \d+ tokens, -?\d+ of 100"):
        built(tmp_path, questions, variant="real-full", context_tokens=100)


def test_render_gives_prompt_and_target_again(facts, tmp_path):
    example = built(tmp_path, facts)[0]
    assert render(example) == (example.prompt, example.target)


def test_tokenizers_that_do_not_exist_are_told():
    with pytest.raises(UserError, match="tokenizer hf:/no/such/folder: cannot be loaded"):
        load_tokenizer("hf:/no/such/folder")
