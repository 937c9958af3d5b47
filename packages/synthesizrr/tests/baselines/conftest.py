import pytest
from synthesizrr.baselines.baseline_run import BaselineRun, BaselineSettings
from synthesizrr.records import Example, Generation, read_rows
from tenpapers.journal import Journal

from ..conftest import AG


@pytest.fixture
def run(tmp_path, teacher, tokenizer, news):
    def make(method, per_label=2, **more):
        seeds = read_rows(news / "train.jsonl", Example)
        settings = BaselineSettings(
            method=method, per_label=per_label, shots=1, max_new_tokens=8, **more
        )
        return BaselineRun(AG, seeds, teacher, settings, journal, "generations.jsonl", tokenizer)

    with Journal(tmp_path / "run", key={}) as journal:
        yield make


def made(run):
    return read_rows(run.out, Generation, labels=list(AG.labels))


def counts(run):
    labels = [row.label for row in made(run)]
    return {labels.count(label) for label in AG.labels}
