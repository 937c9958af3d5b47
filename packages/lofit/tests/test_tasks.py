import gzip
import json
import random

import pytest
from lofit.baselines.parameter_counts import base_parameters, parameter_counts
from lofit.inputs import clutrr, mquake, truthfulqa
from lofit.inputs import hub_tasks as hub
from lofit.inputs.load_task import load_task, nested_sample, read_evaluation
from lofit.scoring.evaluate import echo_baseline
from tenpapers.errors import UserError
from transformers import GemmaConfig, LlamaConfig


@pytest.mark.acceptance
def test_the_shipped_data(data):
    """Check 18."""
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


@pytest.mark.acceptance
def test_the_echo_baseline(data):
    """Check 18: 37 of 134, and 29.5 % of val."""
    task = load_task("mquake", data)
    found = echo_baseline("mquake", task.train)
    assert found["em_normalized"] == pytest.approx(100 * 37 / 134)
    assert echo_baseline("mquake", task.val)["em_normalized"] == pytest.approx(29.5, abs=0.05)


@pytest.mark.acceptance
def test_the_first_fold_is_what_numpy_draws(data):
    """Check 18: fold 0's train, in that very order."""
    manifest = json.loads((data / "truthfulqa_folds.json").read_text())["folds"][0]
    assert truthfulqa.drawn_fold(817, 0)["train"] == manifest["train"]
    drawn = truthfulqa.drawn_fold(817, 0)
    assert drawn["val"] == manifest["val"] and drawn["test"] == manifest["test"]


@pytest.mark.acceptance
def test_the_clutrr_subset_is_pythons_own_draw(data):
    task = load_task("clutrr", data)
    everything = clutrr.read(data / "clutrr_train.jsonl.gz")
    assert task.train == random.Random(42).sample(everything, 300)
    assert len(task.contrast) == 300
    assert all(c.positive != c.negative for c in task.contrast)


def test_prompts_are_as_the_specification_says(mini):
    (first, *_) = mquake.read(mini / "mquake_train.jsonl")
    assert first.prompt.startswith("Imagine that Ada Marlow was born in the city of ")
    assert first.prompt.endswith("\nA:") and first.completion == f" {first.answers[0]}"
    (story, *_) = clutrr.read(mini / "clutrr_train.jsonl")
    assert "[" not in story.prompt and story.prompt.endswith("'s\n")
    quirky = clutrr.read(mini / "clutrr_train.jsonl", quirks=True)[0]
    assert "How is  " in quirky.prompt and "How is  " not in story.prompt
    pair = load_task("truthfulqa", mini).train[0]
    assert pair.prompt.startswith("Q: ") and pair.prompt.endswith(" A:") and "\n" not in pair.prompt


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


def test_smaller_training_sets_lie_in_larger_ones():
    draws = [nested_sample(list(range(100)), n, 7) for n in (5, 20, 60)]
    assert draws[2][:20] == draws[1] and draws[1][:5] == draws[0]


def test_gz_or_not(mini, tmp_path):
    plain = mini / "mquake_val.jsonl"
    packed = tmp_path / "mquake_val.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_evaluation("mquake", packed) == read_evaluation("mquake", plain)


def test_repeated_stories_can_be_dropped(mini, tmp_path):
    line = (mini / "clutrr_val.jsonl").read_text().splitlines()[0]
    file = tmp_path / "twice.jsonl"
    file.write_text(f"{line}\n{line}\n")
    assert len(clutrr.read(file)) == 2 and len(clutrr.read(file, dedup=True)) == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"query": "('Ann', 'Bob', 'Cy')"}, r"f.jsonl:1: id x: query .*not a pair of names"),
        ({"query": "__import__('os').system('true')"}, "id x: query"),
        ({"query": None}, "id x: query None"),
        ({"target_text": ""}, "target_text: a text is wanted"),
    ],
)
def test_bad_clutrr_rows(row, told, tmp_path):
    """Check 22: id and raw value; nothing is evaluated."""
    good = {"id": "x", "clean_story": "[A] b.", "query": "('A', 'B')", "target_text": "son"}
    file = tmp_path / "f.jsonl"
    file.write_text(json.dumps(good | row) + "\n")
    with pytest.raises(UserError, match=told):
        clutrr.read(file)


def test_a_truncated_gzip_file(mini, tmp_path):
    """Check 22."""
    packed = gzip.compress((mini / "mquake_val.jsonl").read_bytes())
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UserError, match=rf"cut.jsonl.gz:.*broken gzip.*{len(packed) // 2} bytes"):
        mquake.read(file)


def test_rows_of_the_hub_become_examples():
    """Section 4.4: published row forms (the hub itself is not reached in tests)."""
    rows = {
        "siqa": {
            "context": "Kim ran.",
            "question": "Why?",
            "answerA": "a",
            "answerB": "b",
            "answerC": "c",
            "label": "2",
        },
        "arc": {
            "question": "Q?",
            "choices": {"text": ["x", "y"], "label": ["1", "2"]},
            "answerKey": "2",
        },
        "boolq": {"passage": "P.", "question": "is it", "answer": True},
        "svamp": {"Body": "Two and two", "Question": "How many?", "Answer": 4.0},
        "triviaqa": {"question": "Who?", "answer": {"value": "Ann", "aliases": ["ann"]}},
        "nq": {"question": "who is it", "answer": ["Ann"]},
        "mmlu": {"question": "Q?", "choices": ["a", "b", "c", "d"], "answer": 3},
    }
    gold = {name: hub.convert(name, [row], "test")[0].gold[0] for name, row in rows.items()}
    assert gold == {
        "siqa": "B",
        "arc": "B",
        "boolq": "yes",
        "svamp": "4",
        "triviaqa": "Ann",
        "nq": "Ann",
        "mmlu": "D",
    }
    assert "(B) b" in hub.convert("siqa", [rows["siqa"]], "test")[0].prompt


LLAMA = {"vocab_size": 32000}


def test_parameter_counts():
    """Check 12: from configurations alone."""
    seven = LlamaConfig(
        hidden_size=4096,
        intermediate_size=11008,
        num_hidden_layers=32,
        num_attention_heads=32,
        **LLAMA,
    )
    counts = parameter_counts(seven, 32)
    assert counts == {
        "lofit step 1 (scales)": 131_072,
        "lofit step 2 (K=32)": 4096,
        "lora": 4_194_304,
        "red": 262_144,
        "reft": 2_097_408,
    }
    assert parameter_counts(seven, 96)["lofit step 2 (K=96)"] == 12_288
    thirteen = LlamaConfig(hidden_size=5120, num_hidden_layers=40, num_attention_heads=40, **LLAMA)
    assert parameter_counts(thirteen, 48)["lofit step 2 (K=48)"] == 6144
    assert parameter_counts(thirteen, 48)["lofit step 1 (scales)"] == 204_800
    gemma = GemmaConfig(num_hidden_layers=28, num_attention_heads=16, head_dim=256)
    counts = parameter_counts(gemma, 16)
    assert (counts["lofit step 2 (K=16)"], counts["lofit step 1 (scales)"]) == (4096, 114_688)
    assert base_parameters(seven) == 6_738_415_616
