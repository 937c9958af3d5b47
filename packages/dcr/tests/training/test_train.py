import dataclasses

import pytest
import torch
from dcr.training.rows import IGNORED, Tokens
from dcr.training.settings import TrainSettings
from dcr.training.train import make_trainer, train
from tenpapers.errors import UserError
from tenpapers.generation import Request, open_generator
from tenpapers.generation.types import Message
from tenpapers.models import load_causal_lm
from tenpapers.records import read_json
from tenpapers.testing import read_rows, tiny_checkpoint, write_rows


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A small random model."""
    return tiny_checkpoint(tmp_path_factory.mktemp("base"), num_hidden_layers=2)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Rows that teach one word, and one that is too long."""
    lines = [
        {"prompt": f"q{n}", "completion": "no", "document": str(n), "type": "single_step"}
        for n in range(8)
    ]
    lines.append(lines[0] | {"completion": "n" * 90, "document": "long"})
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl", lines)


def settings(rows, base, **more):
    plain = TrainSettings(
        rows, f"hf:{base}", dev_share=0.25, max_tokens=60, eval_every=4, epochs=10, lr=2e-2
    )
    return dataclasses.replace(plain, **more)


@pytest.fixture(scope="module")
def trained(rows, base, tmp_path_factory):
    """A finished training, with its merged model."""
    out = tmp_path_factory.mktemp("trained") / "run"
    return out, train("direct", settings(rows, base, merge=True), out)


def test_training_learns_the_completion_and_says_what_it_left_out(trained):
    out, state = trained
    assert state["train_rows"] + state["dev_rows"] == 8
    assert state["train_rows_too_long"] + state["dev_rows_too_long"] == 1
    assert state["last_loss"] < 0.8 * state["first_loss"]
    assert state["dev_loss"] < state["first_loss"]
    log = read_rows(out / "train_log.jsonl")
    assert [row["step"] for row in log if "eval_loss" in row][:2] == [4, 8]
    assert not (out / "checkpoints").exists()
    assert read_json(out / "train_state.json") == state


def test_the_adapter_is_loaded_over_its_base_and_the_merged_model_says_the_same(trained, base):
    out, _ = trained
    config = read_json(out / "adapter" / "adapter_config.json")
    assert config["base_model_name_or_path"] == str(base)
    assert (config["r"], config["lora_alpha"], config["bias"]) == (8, 8, "none")
    assert set(config["target_modules"]) == {"q_proj", "k_proj", "v_proj", "o_proj"}
    asked = (Message(role="user", content="q3"),)
    with open_generator(f"hf:{base}", cache=False) as model:
        adapted, plain = model.generate(
            [
                Request(id="a", messages=asked, adapter=str(out / "adapter")),
                Request(id="b", messages=asked),
            ]
        )
    with open_generator(f"hf:{out / 'merged'}", cache=False) as model:
        (merged,) = model.generate([Request(id="a", messages=asked)])
    assert adapted.text == merged.text == "no"
    assert plain.text != "no"


def test_labels_of_the_prompt_change_no_loss(base, tmp_path):
    lm = load_causal_lm(f"hf:{base}")
    row = Tokens([5, 6, 7, 8, 9], [IGNORED, IGNORED, IGNORED, 8, 9])
    trainer = make_trainer(lm, TrainSettings(tmp_path, "x", dropout=0), [row], [], tmp_path)
    trainer.model.eval()
    with torch.no_grad():
        batch = trainer.data_collator([row._asdict()])
        batch = {name: values for name, values in batch.items() if name != "seq_lengths"}
        found = float(trainer.compute_loss(trainer.model, dict(batch)))
        logits = lm.model(input_ids=torch.tensor([row.input_ids])).logits[0].log_softmax(-1)
    # predicted from the token before: 8 from the third place, 9 from the fourth
    assert found == pytest.approx(float(-(logits[2, 8] + logits[3, 9]) / 2), abs=1e-5)


def test_a_base_without_the_four_projections_is_told(rows, tmp_path):
    from tenpapers.testing import tiny_model

    other = tmp_path / "gpt2"
    tiny_checkpoint(other, num_hidden_layers=1)
    tiny_model(
        "gpt2", vocab_size=259, n_positions=512, n_layer=1, n_head=4, n_embd=64
    ).save_pretrained(other)
    with pytest.raises(UserError, match="has no q_proj"):
        train("direct", settings(rows, other), tmp_path / "run")


def test_rows_that_are_all_too_long_are_told(rows, base, tmp_path):
    with pytest.raises(UserError, match="no row of single_step has fewer than 5 tokens"):
        train("direct", settings(rows, base, max_tokens=5), tmp_path / "run")
