"""Checkpoints and tokenizers that are made in a moment."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def tiny_model(
    kind: str, *, seed: int = 0, noise: float = 0.02, **config: Any
) -> "PreTrainedModel":
    """Make a random causal LM of any architecture: 4 layers of 4 heads, 64 wide, 300 tokens.

    Parameters
    ----------
    kind : `model_type` of transformers, such as "llama".
    noise : added to every parameter, so that biases and attention are not flat.
    config : of the architecture; replaces ours.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    plain = {
        "vocab_size": 300,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(plain | config)))
    for parameter in model.parameters():
        parameter.data += noise * torch.randn_like(parameter)
    return model.eval()


def byte_tokenizer() -> "PreTrainedTokenizerBase":
    """Make a tokenizer of 259 tokens, one a byte, for `tiny_model`; loads in no time."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    made = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
