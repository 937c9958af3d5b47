"""From characters to tokens: evidence that can be copied, blanks that are not doubled."""

import pytest
from retrievalheads.inputs.token_spans import encode_target, token_spans
from tokenizers import Tokenizer, normalizers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from ..builds import built


def llama_2(prepend):
    """A tokenizer of Llama 2's kind: blanks are ▁, and one stands in front of every text."""
    pieces = ["<unk>", "▁", "▁▁", "4", "2", "▁4", "[", "▁["]
    merges = [("▁", "▁"), ("▁", "4"), ("▁", "[")]
    core = Tokenizer(BPE({piece: i for i, piece in enumerate(pieces)}, merges, unk_token="<unk>"))
    steps = [normalizers.Prepend("▁")] if prepend else []
    core.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")


@pytest.mark.parametrize("prepend", [True, False])
def test_a_target_has_one_blank_in_front_whatever_the_tokenizer_adds(prepend):
    tokenizer = llama_2(prepend)
    assert tokenizer.convert_ids_to_tokens(encode_target(tokenizer, " 42")) == ["▁4", "2"]
    if prepend:  # as Llama's own tokenizer, which puts one there too
        assert tokenizer.convert_ids_to_tokens(encode_target(tokenizer, "[2")) == ["▁[", "2"]


def test_steps_that_no_head_can_hit_do_not_count(tmp_path, tokenizer):
    """Symbolic targets are a blank and digits; the evidence is the digits."""
    examples = built(tmp_path, "", variant="symbolic", n=4, context_tokens=300)
    for example in examples:
        coded = token_spans(example, tokenizer)
        written = tokenizer.convert_ids_to_tokens(coded.input_ids[coded.n_prompt :].tolist())
        assert written == ["Ġ", *example.answers[0]]
        assert [len(wanted) > 0 for wanted in coded.targets] == [
            False,
            *[True] * len(example.answers[0]),
        ]
