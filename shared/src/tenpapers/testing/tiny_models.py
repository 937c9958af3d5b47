"""Checkpoints and tokenizers that are made in a moment."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def tiny_model(
    kind: str, *, seed: int = 0, noise: float = 0.02, **config: object
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


def tiny_checkpoint(
    folder: Path, kind: str = "llama", *, seed: int = 0, noise: float = 0.02, **config: object
) -> Path:
    """Save a random model that reads bytes and takes chats; gives its folder.

    Where a test does not ask what is said, it loads and answers at once: SmolLM2's own tokenizer
    takes half a second to load, and its 49,152 tokens most of a small model's time.

    Parameters
    ----------
    kind, seed, noise, config : as in `tiny_model`.
    """
    read = {"vocab_size": 259, "num_key_value_heads": 2, "max_position_embeddings": 32768}
    tiny_model(kind, seed=seed, noise=noise, **(read | config)).save_pretrained(folder)
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = _CHAT
    tokenizer.save_pretrained(folder)
    return folder


_CHAT = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
