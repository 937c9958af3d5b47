"""MAUVE: how close the distribution of texts is to that of human texts."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tenpapers.errors import UserError

from .label_mix import repeated_to_mix

# The paper's: the library's default is 5, which gives other values.
SCALING = 1.0
BUCKETS = 30


def mauve(
    ref_feats: np.ndarray,
    gen_feats: np.ndarray,
    num_buckets: int = BUCKETS,
    scaling: float = SCALING,
    *,
    seed: int = 42,
) -> float:
    """MAUVE of two sets of features (Pillutla et al. 2021; SynthesizRR, section 5).

    Parameters
    ----------
    ref_feats, gen_feats : float32 [N, d] and [M, d], human texts and the others.
    num_buckets : clusters of the quantisation.
    scaling : with 1, two sets without anything in common have 0.5; with 5, almost 0.

    Returns
    -------
    Between 0 and 1, higher is closer.

    Raises
    ------
    UserError : fewer rows than buckets, a feature that is not a number, different dimensions.
    """
    from mauve import compute_mauve

    for name, features in (("reference", ref_feats), ("generated", gen_feats)):
        if len(features) < num_buckets:
            raise UserError(
                f"MAUVE: need at least num_buckets rows: {len(features)} {name}, {num_buckets}"
            )
        bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
        if len(bad):
            raise UserError(f"MAUVE: {name} row {bad[0] + 1}: features are not numbers")
    if ref_feats.shape[1] != gen_feats.shape[1]:
        raise UserError(f"MAUVE: {ref_feats.shape[1]} and {gen_feats.shape[1]} dimensions")
    found = compute_mauve(
        p_features=np.asarray(ref_feats, dtype=np.float32),
        q_features=np.asarray(gen_feats, dtype=np.float32),
        num_buckets=num_buckets,
        mauve_scaling_factor=scaling,
        seed=seed,
        verbose=False,
    )
    return float(found.mauve)


def matched_reference(
    labels: Sequence[str | None], reference: Sequence[str | None], *, seed: int
) -> np.ndarray:
    """Rows of the reference with the label mix and size of the synthetic set, int64 [N].

    Each label's rows are permuted and repeated until there are enough (spec 5). Where the sets do
    not share their labels, all rows count as of one.
    """
    if not same_labels(labels, reference):
        labels, reference = [""] * len(labels), [""] * len(reference)
    return repeated_to_mix([str(one) for one in labels], [str(one) for one in reference], seed)


def same_labels(labels: Sequence[str | None], reference: Sequence[str | None]) -> bool:
    """Whether every row has a label and the reference has all of them."""
    return None not in labels and set(labels) <= set(reference) - {None}


class Features:
    """Features of texts, computed once a text and kept on disk by its hash.

    Parameters
    ----------
    encoder : `minilm`, `contriever`, ... (mean over the tokens), or `lm:SPEC` for the last state
        of a causal model's last token, as the paper does with `lm:hf:gpt2-xl`.
    folder : where they are kept; None keeps them in memory alone.
    """

    def __init__(self, encoder: str = "minilm", folder: Path | None = None) -> None:
        self.encoder = encoder
        self.folder = folder
        self._known: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
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

    def _compute(self, texts: Sequence[str]) -> np.ndarray:
        if self.encoder.startswith("lm:"):
            return last_states(texts, self.encoder.removeprefix("lm:"))
        from tenpapers.embedding import Encoder

        return Encoder.load(self.encoder, normalize=False).encode(texts, progress="features")

    @property
    def _file(self) -> Path | None:
        if self.folder is None:
            return None
        return (
            self.folder / f"features-{hashlib.sha256(self.encoder.encode()).hexdigest()[:12]}.npz"
        )

    def _read(self) -> None:
        if self._known or self._file is None or not self._file.exists():
            return
        with np.load(self._file, allow_pickle=False) as kept:
            self._known = dict(zip(kept["names"].tolist(), kept["features"], strict=True))

    def _write(self) -> None:
        if self._file is None:
            return
        from tenpapers.records import atomic_writer

        with atomic_writer(self._file) as stream:
            np.savez(stream, names=list(self._known), features=np.stack(list(self._known.values())))


def last_states(
    texts: Sequence[str], spec: str, *, max_length: int = 512, batch_tokens: int = 8192
) -> np.ndarray:
    """Last hidden state of each text's last token, float32 [N, d]; like lengths share a batch."""
    import torch
    from tenpapers.models import load_causal_lm
    from tqdm import tqdm

    lm = load_causal_lm(spec)
    model, tokenizer = lm.model, lm.tokenizer
    coded = [
        ids or [tokenizer.eos_token_id]
        for ids in tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    ]
    order = sorted(range(len(coded)), key=lambda place: -len(coded[place]))
    out = np.empty((len(coded), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode(), tqdm(total=len(coded), desc="features", unit="text") as bar:
        while order:
            size = max(1, batch_tokens // len(coded[order[0]]))
            places, order = order[:size], order[size:]
            # Padded on the right: positions begin at 0, and a causal model does not look ahead.
            batch = tokenizer.pad(
                {"input_ids": [coded[place] for place in places]},
                return_tensors="pt",
                padding_side="right",
            ).to(model.device)
            states = model(**batch, output_hidden_states=True, logits_to_keep=1).hidden_states[-1]
            last = batch["attention_mask"].sum(1) - 1
            out[places] = states[range(len(places)), last].float().cpu().numpy()
            bar.update(len(places))
    return out
