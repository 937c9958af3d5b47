import json

import pytest
from cfr.equivalence.lerc import Lerc
from tenpapers.testing import command, fails, write_rows

TEXTS = {"context": "It was red.", "question": "What colour?", "reference": "red"}


@pytest.fixture
def files(lerc, tmp_path):
    """A BERT of two layers, judgements, pairs and minimal pairs."""
    lerc.bert.save_pretrained(tmp_path / "base")
    lerc.tokenizer.save_pretrained(tmp_path / "base")
    judged = [("red", 5), ("scarlet", 4), ("a cow", 1)]
    rows = [TEXTS | {"candidate": one, "score": score, "dataset": "drop"} for one, score in judged]
    write_rows(tmp_path / "train.jsonl", rows)
    write_rows(tmp_path / "pairs.jsonl", [TEXTS | {"candidate": "blue", "same": False}])
    pair = TEXTS | {"candidate1": "red", "score1": 5, "candidate2": "a cow", "score2": 1}
    (tmp_path / "minimal.json").write_text(json.dumps({"drop": {"0": pair}}))
    return tmp_path


def arguments(files):
    given = ["--train", files / "train.jsonl", "--dev", files / "train.jsonl"]
    more = ["--pairs", files / "pairs.jsonl", "--minimal-pairs", files / "minimal.json"]
    short = ["--epochs", 2, "--pretrain-epochs", 1, "--lr", 1e-3, "--warmup", 1]
    return ["train-lerc", *given, *more, *short, "--base", files / "base"]


def test_a_trained_model_is_a_folder_that_scores(files, capsys):
    out = files / "run"
    command("cfr", *arguments(files), "--out", out, "--json")
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((out / "metrics.json").read_text())
    # three judgements, the right answer as its own candidate, and the pair with score 5 swapped
    assert report["rows"] == 5
    assert (len(report["losses"]), len(report["pretrain_losses"])) == (2, 1)
    assert set(report["pearson"]) == set(report["minimal_pairs"]) == {"drop"}
    loaded = Lerc.load(str(out / "model"), device="cpu")
    assert 0 <= loaded.score(["c"], ["q"], ["r"], ["a"])[0] <= 1


def test_a_base_that_is_not_there_is_said(files):
    given = ["--train", files / "train.jsonl", "--out", files / "run", "--base", files / "nothing"]
    fails("cfr", "train-lerc", *given, told=["nothing"])
