"""BERTScore: how well the tokens of two texts can be matched (Zhang et al. 2020).

The paper scores with layer 17 of roberta-large, without idf and without a rescaled baseline.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from tenpapers.errors import UserError
from tenpapers.models.loading import not_loaded, resolve_name

from .hidden_states import hidden_states

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32
    from numpy import ndarray
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Layers that `bert-score` takes, by the end of the model's name.
LAYERS = {"minilm": 6, "all-MiniLM-L6-v2": 6, "roberta-large": 17}
MAX_TOKENS = 512
# Tokens of a batch, padding included, and texts whose vectors are made at a time.
_BATCH_TOKENS = {"cpu": 4096, "cuda": 65536}
_WINDOW = 128


@dataclass(frozen=True)
class Tokens:
    """A text's tokens.

    Parameters
    ----------
    vectors : of length 1, [tokens, dim], the special tokens of the model among them.
    counts : whether a token is no special one, [tokens].
    """

    vectors: Float32[ndarray, "tokens dim"]
    counts: Bool[ndarray, " tokens"]


class TokenEncoder:
    """Token vectors of texts, from one layer of an encoder.

    Parameters
    ----------
    layer : number of layers that are run.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        layer: int,
        name: str = "",
    ) -> None:
        stack: Any = model.encoder
        layers = stack.layer
        if not 1 <= layer <= len(layers):
            raise UserError(f"{name}: layer {layer} of {len(layers)}", "choose another layer")
        stack.layer = layers[:layer]
        self.model, self.tokenizer, self.layer, self.name = model.eval(), tokenizer, layer, name
        limit = min(tokenizer.model_max_length, model.config.max_position_embeddings)
        self.max_tokens = min(limit, MAX_TOKENS)

    @classmethod
    def load(cls, name: str = "minilm", layer: int | None = None, device: str = "") -> Self:
        """Load `minilm` (embedded), a folder or a hub id.

        Parameters
        ----------
        layer : see the class; None is the one that is known for this model, else the last.

        Raises
        ------
        UserError : it cannot be found.
        """
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        path = resolve_name(name)
        try:
            tokenizer = AutoTokenizer.from_pretrained(path)
            model = AutoModel.from_pretrained(path, dtype=torch.float32)
        except (OSError, ValueError) as error:
            raise not_loaded(f"encoder {name}", error) from None
        known = LAYERS.get(name.rsplit("/", 1)[-1], model.config.num_hidden_layers)
        model = model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        return cls(model, tokenizer, layer or known, name)

    def encode(self, texts: Sequence[str]) -> list[Tokens]:
        """Tokens of texts, in their order; texts of like length share a batch."""
        found: dict[int, Tokens] = {}
        encoded = self._ids(texts)
        special = {self.tokenizer.cls_token_id, self.tokenizer.sep_token_id}
        order = sorted(range(len(texts)), key=lambda place: -len(encoded[place]))
        while order:
            longest = min(len(encoded[order[0]]), self.max_tokens)
            size = max(1, self._batch_tokens // longest)
            batch, order = order[:size], order[size:]
            ids = [self._cut(encoded[place]) for place in batch]
            for place, own, vectors in zip(batch, ids, self._run(ids), strict=True):
                counts = np.array([token not in special for token in own])
                found[place] = Tokens(vectors, counts)
        return [found[place] for place in range(len(texts))]

    def is_cut(self, texts: Sequence[str]) -> list[bool]:
        """Whether texts go on where the encoder has stopped reading."""
        return [len(ids) > self.max_tokens for ids in self._ids(texts)]

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids, one more than are read of a text that goes on."""
        stripped = [text.strip() for text in texts]
        ids: list[list[int]] = self.tokenizer(
            stripped, truncation=True, max_length=self.max_tokens + 1
        )["input_ids"]
        return ids

    @property
    def _batch_tokens(self) -> int:
        return _BATCH_TOKENS.get(self.model.device.type, 16384)

    def _cut(self, ids: list[int]) -> list[int]:
        """At most `max_tokens`, the closing special token at the end."""
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    def _run(self, ids: Sequence[list[int]]) -> Iterator[Float32[ndarray, "tokens dim"]]:
        import torch

        hidden = hidden_states(self.model, ids, pad=self.tokenizer.pad_token_id)
        vectors = torch.nn.functional.normalize(hidden, dim=-1).float().cpu().numpy()
        for row, own in enumerate(ids):
            yield vectors[row, : len(own)].copy()


def bertscore_pairs(
    cands: Sequence[str],
    refs: Sequence[str],
    encoder: TokenEncoder | str = "minilm",
    layer: int | None = None,
) -> Float32[ndarray, "pairs 3"]:
    """Precision, recall and F of pairs of texts, as if every pair were scored alone.

    Precision is the mean, over the candidate's tokens without its special ones, of the best cosine
    with any token of the reference, special ones included; recall the same the other way round; F
    their harmonic mean. An empty text scores 0. Each text is encoded once, however many pairs it
    is in; what no later pair needs is forgotten.

    Parameters
    ----------
    encoder : loaded, or the name of one.
    layer : of an encoder that is named; see `TokenEncoder.load`.
    """
    if len(cands) != len(refs):
        raise ValueError(f"{len(cands)} candidates and {len(refs)} references")
    if isinstance(encoder, str):
        encoder = TokenEncoder.load(encoder, layer)
    scores = np.zeros((len(cands), 3), dtype=np.float32)
    pairs = [place for place in _by_kinship(cands, refs) if cands[place] and refs[place]]
    left = Counter(text for place in pairs for text in (cands[place], refs[place]))
    known: dict[str, Tokens] = {}
    for start, stop in _windows(pairs, cands, refs):
        some = pairs[start:stop]
        texts = dict.fromkeys(text for place in some for text in (cands[place], refs[place]))
        new = [text for text in texts if text not in known]
        known.update(zip(new, encoder.encode(new), strict=True))
        for place in some:
            cand, ref = cands[place], refs[place]
            scores[place] = matched(known[cand], known[ref])
            for text in (cand, ref):
                left[text] -= 1
                if not left[text]:
                    known.pop(text, None)
    return scores


def bertscore_within(
    groups: Sequence[Sequence[str]], encoder: TokenEncoder | str = "minilm"
) -> list[Float32[ndarray, "texts texts"]]:
    """F of every two texts of a group, for each group: symmetric, 1 on the diagonal."""
    if isinstance(encoder, str):
        encoder = TokenEncoder.load(encoder)
    matrices = []
    for texts in groups:
        tokens = encoder.encode(texts)
        matrix = np.zeros((len(texts), len(texts)), dtype=np.float32)
        for row, own in enumerate(tokens):
            for column, other in enumerate(tokens[: row + 1]):
                f = matched(own, other)[2] if texts[row] and texts[column] else 0.0
                matrix[row, column] = matrix[column, row] = f
        matrices.append(matrix)
    return matrices


def matched(candidate: Tokens, reference: Tokens) -> tuple[float, float, float]:
    """Precision, recall and F of a candidate; zeros where a text has no token of its own."""
    if not (candidate.counts.any() and reference.counts.any()):
        return 0.0, 0.0, 0.0
    cosines = candidate.vectors @ reference.vectors.T
    precision = float(cosines.max(1)[candidate.counts].mean())
    recall = float(cosines.max(0)[reference.counts].mean())
    if precision + recall == 0:
        return precision, recall, 0.0
    return precision, recall, 2 * precision * recall / (precision + recall)


def _by_kinship(cands: Sequence[str], refs: Sequence[str]) -> list[int]:
    """Places of pairs, those that share texts, however remotely, one after the other."""
    parent: dict[str, str] = {}

    def root(text: str) -> str:
        while (above := parent.setdefault(text, text)) != text:
            parent[text] = parent[above]
            text = above
        return text

    for cand, ref in zip(cands, refs, strict=True):
        parent[root(cand)] = root(ref)
    families: dict[str, list[int]] = {}
    for place, cand in enumerate(cands):
        families.setdefault(root(cand), []).append(place)
    return [place for family in families.values() for place in family]


def _windows(
    pairs: Sequence[int], cands: Sequence[str], refs: Sequence[str]
) -> Iterator[tuple[int, int]]:
    """Runs of pairs that bring about `_WINDOW` texts."""
    start, seen = 0, set[str]()
    for number, place in enumerate(pairs):
        seen |= {cands[place], refs[place]}
        if len(seen) >= _WINDOW:
            yield start, number + 1
            start, seen = number + 1, set()
    if start < len(pairs):
        yield start, len(pairs)
