"""The encoder of the paper's nearest neighbours: a language model, read at its last token.

Texts are tokenised without special tokens and end with one pad token, whose last hidden state is
the vector (e5-mistral; Wang et al. 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from tenpapers.models.loading import not_loaded

from .hidden_states import hidden_states

if TYPE_CHECKING:
    from jaxtyping import Float32
    from numpy import ndarray
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

E5_MISTRAL = "intfloat/e5-mistral-7b-instruct"
# The name that people use for it.
SHORT_NAMES = {"e5-mistral": E5_MISTRAL}
# Tokens of a batch, padding included.
_BATCH_TOKENS = {"cpu": 2048, "cuda": 16384}


def reads_last_token(name: str) -> bool:
    """Whether an encoder is of this kind: its name, or its folder's, says so."""
    return "e5-mistral" in name.rstrip("/").rsplit("/", 1)[-1].lower()


class LastTokenEncoder:
    """Unit vectors of texts: the hidden state of a pad token behind each."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer

    @classmethod
    def load(cls, name: str) -> Self:
        """Load a folder or a hub id; on a GPU in 8 bit where bitsandbytes is installed.

        Raises
        ------
        UserError : it cannot be found.
        """
        import torch
        from transformers import AutoModel, AutoTokenizer

        options: dict[str, Any] = {"dtype": torch.float32}
        if torch.cuda.is_available():
            options = {"dtype": torch.float16, "device_map": "auto"}
            if find_spec("bitsandbytes") is not None:
                from transformers import BitsAndBytesConfig

                options["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
        path = SHORT_NAMES.get(name, name.removeprefix("hf:"))
        try:
            tokenizer = AutoTokenizer.from_pretrained(path)
            return cls(AutoModel.from_pretrained(path, **options), tokenizer)
        except (OSError, ValueError) as error:
            raise not_loaded(f"encoder {name}", error) from None

    def encode(
        self, texts: Sequence[str], *, max_length: int, progress: str | None = None
    ) -> Float32[ndarray, "texts dim"]:
        """Vectors of texts, in their order; texts of like length share a batch.

        Parameters
        ----------
        max_length : tokens that are read of a text, the pad token among them.
        """
        from tqdm import tqdm

        plain = self.tokenizer(
            list(texts), add_special_tokens=False, truncation=True, max_length=max_length - 1
        )["input_ids"]
        ids = [[*own, self.tokenizer.pad_token_id] for own in plain]
        order = sorted(range(len(ids)), key=lambda place: -len(ids[place]))
        limit = _BATCH_TOKENS.get(self.model.device.type, 8192)
        found: dict[int, Float32[ndarray, " dim"]] = {}
        with tqdm(total=len(ids), desc=progress, disable=progress is None) as shown:
            while order:
                size = max(1, limit // len(ids[order[0]]))
                batch, order = order[:size], order[size:]
                found |= zip(batch, self._run([ids[place] for place in batch]), strict=True)
                shown.update(len(batch))
        return np.stack([found[place] for place in range(len(ids))])

    def _run(self, ids: Sequence[Sequence[int]]) -> Float32[ndarray, "texts dim"]:
        import torch

        hidden = hidden_states(self.model, ids, pad=int(self.tokenizer.pad_token_id))
        ends = torch.tensor([len(own) - 1 for own in ids], device=hidden.device)
        last = hidden[torch.arange(len(ids), device=hidden.device), ends].float()
        return torch.nn.functional.normalize(last, dim=-1).cpu().numpy()
