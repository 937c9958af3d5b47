import json

import pytest
from lofit.inputs import truthfulqa


@pytest.mark.acceptance
def test_the_first_fold_is_what_numpy_draws(data):
    """Fold 0's train, in that very order."""
    manifest = json.loads((data / "truthfulqa_folds.json").read_text())["folds"][0]
    assert truthfulqa.drawn_fold(817, 0)["train"] == manifest["train"]
    drawn = truthfulqa.drawn_fold(817, 0)
    assert drawn["val"] == manifest["val"] and drawn["test"] == manifest["test"]


def test_pairs_first_all_random(mini):
    items = truthfulqa.read(mini / "truthfulqa.jsonl")
    assert len(truthfulqa.pairs(items)) == 10
    assert len(truthfulqa.pairs(items, which="all")) == sum(len(i.incorrect_answers) for i in items)
    drawn = truthfulqa.pairs(items, which="random", seed=1)
    assert drawn == truthfulqa.pairs(items, which="random", seed=1) and len(drawn) == 10


def test_the_original_csv(tmp_path):
    file = tmp_path / "TruthfulQA.csv"
    file.write_text(
        "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source\n"
        'A,B,Why?,Because,"Because; For a reason",No; Never ;,x\n'
    )
    (item,) = truthfulqa.read(file)
    assert item.correct_answers == ("Because", "For a reason")
    assert item.incorrect_answers == ("No", "Never")
