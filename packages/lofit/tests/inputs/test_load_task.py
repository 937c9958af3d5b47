import gzip
import json

import pytest
from lofit.inputs import truthfulqa
from lofit.inputs.load_task import load_task, nested_sample, read_evaluation


@pytest.mark.acceptance
def test_the_shipped_data(data):
    manifest = json.loads((data / "truthfulqa_folds.json").read_text())
    assert len(truthfulqa.read(data / "truthfulqa.jsonl.gz")) == 717
    assert len(manifest["sha_by_id"]) == 817
    for fold, full, present in (
        (0, (326, 82, 409), (287, 71, 359)),
        (1, (327, 82, 408), (285, 74, 358)),
    ):
        parts = manifest["folds"][fold]
        assert tuple(len(parts[p]) for p in ("train", "val", "test")) == full
        task = load_task("truthfulqa", data, fold=fold)
        assert (len(task.train), len(task.val), len(task.test)) == present
        assert sum(task.missing.values()) == 100
    task = load_task("mquake", data)
    assert (len(task.train), len(task.val), len(task.test)) == (134, 95, 664)
    assert task.missing == {"train": 0, "val": 0, "test": 200}
    task = load_task("clutrr", data, train_size=10_000)
    assert (len(task.train), len(task.val), len(task.test)) == (3151, 450, 300)
    assert task.missing == {"train": 0, "val": 0, "test": 150}


def test_smaller_training_sets_lie_in_larger_ones():
    draws = [nested_sample(list(range(100)), n, 7) for n in (5, 20, 60)]
    assert draws[2][:20] == draws[1] and draws[1][:5] == draws[0]


def test_gz_or_not(mini, tmp_path):
    plain = mini / "mquake_val.jsonl"
    packed = tmp_path / "mquake_val.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_evaluation("mquake", packed) == read_evaluation("mquake", plain)
