import json

import pytest
import torch
from lofit.heads.ranking import AdapterMismatchError
from lofit.offsets.adapter import LofitAdapter
from lofit.offsets.combine import combine
from tenpapers.errors import UserError
from tenpapers.models import Head, HeadGeometry

SHAPE = HeadGeometry("llama", 4, 4, 2, 2, 8)


def adapter(*heads, value=1.0, **more):
    fields = {"geometry": SHAPE} | more
    return LofitAdapter(
        [Head(*head) for head in heads], torch.full((len(heads), 2), value), **fields
    )


def test_offsets_add_up_head_by_head():
    both = combine([adapter((0, 1), (2, 3)), adapter((2, 3), (1, 0), value=4.0)], [2.0, -0.5])
    assert both.heads == [Head(0, 1), Head(2, 3), Head(1, 0)]
    assert both.values.tolist() == [[2.0, 2.0], [0.0, 0.0], [-2.0, -2.0]]
    assert [part["weight"] for part in both.train["combined"]] == [2.0, -0.5]


@pytest.mark.parametrize(
    ("other", "error", "told"),
    [
        (adapter((0, 0), base_weights="b"), AdapterMismatchError, "belongs to other weights"),
        (
            adapter((0, 0), geometry=HeadGeometry("mistral", 4, 4, 2, 2, 8)),
            AdapterMismatchError,
            "llama and mistral",
        ),
        (
            adapter((0, 0), geometry=HeadGeometry("llama", 5, 4, 2, 2, 8)),
            AdapterMismatchError,
            "num_layers 5 != 4",
        ),
        (adapter((0, 0), positions="last"), UserError, "the last one only"),
        (adapter((0, 0), component="scale"), UserError, "do not add up"),
    ],
)
def test_adapters_that_do_not_belong_together_are_refused(other, error, told):
    with pytest.raises(error, match=told):
        combine([adapter((0, 1), base_weights="a"), other], [1.0, 1.0])


def test_every_adapter_has_a_weight():
    with pytest.raises(UserError, match="1 adapters and 2 weights"):
        combine([adapter((0, 0))], [1.0, 2.0])


def test_a_combined_adapter_is_a_folder_like_any_other(tmp_path, lofit):
    adapter((0, 1)).save(tmp_path / "a")
    adapter((0, 1), value=4.0).save(tmp_path / "b")
    said = lofit(f"combine {tmp_path}/a {tmp_path}/b --weights 1,0.5", out=tmp_path / "c")
    assert said.startswith("2 numbers on 1 heads")
    assert LofitAdapter.load(tmp_path / "c").values.tolist() == [[3.0, 3.0]]
    assert json.loads((tmp_path / "c" / "adapter_config.json").read_text())["peft_type"] == "LOFIT"
    with pytest.raises(UserError, match="was not made by this run|is an input of this run"):
        lofit(f"combine {tmp_path}/a {tmp_path}/b", out=tmp_path / "a")
    with pytest.raises(UserError, match="--weights a: numbers with commas"):
        lofit(f"combine {tmp_path}/a {tmp_path}/b --weights a", out=tmp_path / "d")
