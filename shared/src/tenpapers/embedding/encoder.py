"""Sentence encoders: one vector a text, the mean of its last hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from ..errors import UserError
from ..models.loading import resolve_name

if TYPE_CHECKING:
    from jaxtyping import Float32
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Names that people use for encoders of the hub.
NAMES = {
    "contriever": "facebook/contriever",
    "contriever-msmarco": "facebook/contriever-msmarco",
    "mpnet": "sentence-transformers/all-mpnet-base-v2",
}
# Tokens of one batch, padding included.
BATCH_TOKENS = {"cpu": 8192, "cuda": 131_072}


class Encoder:
    """A transformers encoder with mean pooling over the tokens that are not padding.

    Parameters
    ----------
    model, tokenizer : as transformers has them.
    name : as the user wrote it.
    normalize : give vectors of length 1, so that inner products are cosines.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        name: str,
        *,
        normalize: bool = True,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.name = name
        self.normalize = normalize

    @classmethod
    def load(cls, name: str = "minilm", *, normalize: bool = True, device: str = "") -> Self:
        """Load an encoder: `minilm` (embedded), `contriever`, `mpnet`, a folder or a hub id.

        Raises
        ------
        UserError : it cannot be found.
        """
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        path = resolve_name(NAMES.get(name, name.removeprefix("hf:")))
        try:
            tokenizer = AutoTokenizer.from_pretrained(path)
            model = AutoModel.from_pretrained(path)
        except (OSError, ValueError) as error:
            raise UserError(
                f"encoder {name}: cannot be loaded: {str(error).strip().splitlines()[0]}",
                "without network, pass a local folder or minilm",
            ) from None
        chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
        return cls(model.to(chosen).eval(), tokenizer, name, normalize=normalize)

    @property
    def dim(self) -> int:
        """Embedding dimension."""
        return int(self.model.config.hidden_size)

    def encode(
        self, texts: Sequence[str], *, max_length: int = 512, progress: str | None = None
    ) -> Float32[np.ndarray, "texts dim"]:
        """Vectors of texts, in their order.

        Batches hold texts of similar length, longest first; their size is bounded in tokens.

        Parameters
        ----------
        max_length : number of tokens that are read; the rest of a longer text is cut off.
        progress : label of the progress bar; None shows none.
        """
        import torch
        from tqdm import tqdm

        out = np.empty((len(texts), self.dim), dtype=np.float32)
        if not texts:
            return out
        coded = self.tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
        device = self.model.device
        plan = _batches([len(ids) for ids in coded], BATCH_TOKENS.get(device.type, 32_768))
        bar = tqdm(total=len(texts), desc=progress, unit="text", disable=progress is None)
        with bar, torch.inference_mode():
            for rows in plan:
                batch = self.tokenizer.pad(
                    {"input_ids": [coded[row] for row in rows]}, return_tensors="pt"
                ).to(device)
                states = self.model(**batch).last_hidden_state
                mask = batch["attention_mask"][..., None].to(states.dtype)
                vectors = (states * mask).sum(1) / mask.sum(1)
                if self.normalize:
                    vectors = torch.nn.functional.normalize(vectors, dim=-1)
                out[rows] = vectors.float().cpu().numpy()
                bar.update(len(rows))
        return out


def _batches(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Rows of similar length together, longest first, at most so many tokens in a batch."""
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    batches: list[list[int]] = []
    for row in order:
        # The first of a batch is its longest.
        if not batches or lengths[batches[-1][0]] * (len(batches[-1]) + 1) > tokens:
            batches.append([])
        batches[-1].append(row)
    return batches
