import json

import pytest
import yaml
from synthesizrr.records import Synthetic
from synthesizrr.study.dataset_card import _size, card_text, write_dataset
from tenpapers.journal import Journal

from ..conftest import AG

ROWS = [Synthetic(id="1", text="t", label="World", customer=7)]


@pytest.mark.parametrize(
    ("n", "name"),
    [(999, "n<1K"), (1000, "1K<n<10K"), (999_999, "100K<n<1M"), (5_000_000, "1M<n<10M")],
)
def test_size_categories(n, name):
    assert _size(n) == name


def test_a_card_is_safe_to_publish():
    task = AG.model_copy(update={"labels": {"a|b": "x", "World": "y"}})
    facts = {"teacher": "openai:m@http://10.0.0.7/v1", "corpus": "docs.jsonl"}
    card = card_text(ROWS, task, facts=facts)
    assert "10.0.0.7" not in card and "- teacher: openai:m\n" in card
    assert "| a\\|b | 0 |" in card
    head = yaml.safe_load(card.split("---")[1])
    assert head["license"] == "other" and head["pretty_name"] == "ag_news, synthesized"
    assert head["source_datasets"] == ["extended|other-docs.jsonl"]


def test_the_users_fields_are_columns(tmp_path):
    from datasets import load_dataset

    with Journal(tmp_path / "set", key={}) as journal:
        write_dataset(journal, "", ROWS, AG, facts={})
    table = load_dataset(str(tmp_path / "set"), split="train", cache_dir=str(tmp_path))
    assert json.loads(table[0]["customer"]) == 7


def test_two_sets_in_folders_of_one_name_are_two_for_the_cache_of_datasets(tmp_path):
    from datasets import load_dataset

    read = []
    for run in ("first", "second"):
        folder = tmp_path / run / "dataset"
        with Journal(folder, key={}) as journal:
            write_dataset(journal, "", [ROWS[0].model_copy(update={"text": run})], AG, facts={})
        read += load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))["text"]
    assert read == ["first", "second"]
