"""Features of texts: vectors of a frozen encoder, or the last state of a causal language model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float


class Features:
    """Features of texts, computed once a text and kept on disk by its hash.

    Parameters
    ----------
    encoder : `minilm`, `contriever`, ... (mean over the tokens), or `lm:SPEC` for the last state
        of a causal model's last token, as the paper does with `lm:hf:gpt2-xl`.
    folder : where they are kept, known by what the encoder contains; None keeps them in memory
        alone.
    """

    def __init__(self, encoder: str = "minilm", folder: Path | None = None) -> None:
        self.encoder = encoder
        self.folder = folder
        self._known: dict[str, Float[np.ndarray, " dim"]] = {}

    def __call__(self, texts: Sequence[str]) -> Float[np.ndarray, "n dim"]:
        """Features float32 [N, d], in the order of the texts."""
        names = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        self._read()
        missing = {
            name: text for name, text in zip(names, texts, strict=True) if name not in self._known
        }
        if missing:
            found = self._compute(list(missing.values()))
            self._known.update(zip(missing, found, strict=True))
            self._write()
        return np.stack([self._known[name] for name in names])

    def _compute(self, texts: Sequence[str]) -> Float[np.ndarray, "n dim"]:
        if self.encoder.startswith("lm:"):
            return last_states(texts, self.encoder.removeprefix("lm:"))
        from tenpapers.embedding import Encoder

        return Encoder.load(self.encoder, normalize=False).encode(texts, progress="features")

    @cached_property
    def _file(self) -> Path | None:
        if self.folder is None:
            return None
        from .identity import features_identity

        digest = hashlib.sha256(features_identity(self.encoder).encode()).hexdigest()
        return self.folder / f"features-{digest[:12]}.npz"

    def _read(self) -> None:
        if self._known or self._file is None or not self._file.exists():
            return
        with np.load(self._file, allow_pickle=False) as stored:
            self._known = dict(zip(stored["names"].tolist(), stored["features"], strict=True))

    def _write(self) -> None:
        if self._file is None:
            return
        from tenpapers.records import atomic_writer

        with atomic_writer(self._file) as stream:
            np.savez(stream, names=list(self._known), features=np.stack(list(self._known.values())))


@cache
def frozen_features(encoder: str) -> Features:
    """The encoder's features in memory, shared by all of a process: test rows serve every run."""
    return Features(encoder)


def last_states(
    texts: Sequence[str], spec: str, *, max_length: int = 512, batch_tokens: int = 8192
) -> Float[np.ndarray, "n dim"]:
    """Last hidden state of each text's last token, float32 [N, d]; like lengths share a batch."""
    import torch
    from tenpapers.models import load_causal_lm
    from tqdm import tqdm

    lm = load_causal_lm(spec)
    model, tokenizer = lm.model, lm.tokenizer
    token_ids = [
        ids or [tokenizer.eos_token_id]
        for ids in tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    ]
    waiting = sorted(range(len(token_ids)), key=lambda index: -len(token_ids[index]))
    states = np.empty((len(token_ids), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode(), tqdm(total=len(token_ids), desc="features", unit="text") as bar:
        while waiting:
            size = max(1, batch_tokens // len(token_ids[waiting[0]]))
            chosen, waiting = waiting[:size], waiting[size:]
            # Padded on the right: positions begin at 0, and a causal model does not look ahead.
            batch = tokenizer.pad(
                {"input_ids": [token_ids[index] for index in chosen]},
                return_tensors="pt",
                padding_side="right",
            ).to(model.device)
            output = model(**batch, output_hidden_states=True, logits_to_keep=1)
            last = batch["attention_mask"].sum(1) - 1
            last_state = output.hidden_states[-1][range(len(chosen)), last]
            states[chosen] = last_state.float().cpu().numpy()
            bar.update(len(chosen))
    return states
