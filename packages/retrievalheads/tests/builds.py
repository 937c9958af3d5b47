"""Datasets that tests build, and what is checked of each."""

import re
from functools import cache

import pytest
from retrievalheads.inputs.builders import build as building
from retrievalheads.inputs.builders.settings import BuildConfig
from retrievalheads.records import load_examples

# It takes most of a second, and builds only read it.
load_once = cache(building.load_tokenizer)


def built(tmp_path, source, task="mdqa", variant="hh", **more):
    config = {"n": 8, "n_dev": 1, "n_test": 2, "context_tokens": 600, "chat": False} | more
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "load_tokenizer", load_once)
        settings = BuildConfig(task=task, variant=variant, source=str(source), **config)
        building.build(settings, tmp_path)
    return load_examples(tmp_path / "train.jsonl")


def check_needles(examples, budget, full=False):
    for example in examples:
        texts = example.meta["needle_texts"]
        assert example.needles and len(texts) == len(example.needles)
        for needle, text in zip(example.needles, texts, strict=True):
            assert example.prompt[needle.start : needle.end] == text
            document = example.documents[needle.doc_id - 1]
            assert document.doc_id == needle.doc_id
            assert text in document.text or needle.kind == "doc_id"
        assert example.n_tokens <= budget
        if full and example.variant in ("hh", "lh", "real-full"):
            assert example.n_tokens >= 0.85 * budget
        if example.variant == "symbolic" and example.task == "mdqa":
            key = re.search(r"key (\d+)", example.query)[1]
            context = example.prompt.split("Question:")[0]
            assert len(re.findall(rf"\b{key}\b", context)) == 1 and context.count(key) == 1
        if example.variant == "symbolic" and example.task == "musique":
            assert solutions(example) == [example.answers[0]]


def solutions(example):
    """All values that the links lead to, searched over every document."""
    links = {}
    for document in example.documents:
        key, value = re.fullmatch(r"\{(\d+): (\d+)\}", document.text).groups()
        links.setdefault(key, []).append(value)
    ends = [re.search(r"key (\d+)", example.query)[1]]
    for _ in range(example.meta["depth"]):
        ends = [value for key in ends for value in links.get(key, [])]
    return ends
