"""Sentence encoders: a folder of sentence-transformers, pooled and prompted as it says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from ..errors import UserError
from ..models.identity import model_identity
from ..models.loading import not_loaded, resolve_name
from ..models.spec import ModelSpec

if TYPE_CHECKING:
    from jaxtyping import Float32
    from sentence_transformers import SentenceTransformer

# Names that people use for encoders of the hub.
NAMES = {
    "contriever": "facebook/contriever",
    "contriever-msmarco": "facebook/contriever-msmarco",
    "mpnet": "sentence-transformers/all-mpnet-base-v2",
}
# Texts of 256 tokens, one core: a batch of 8 takes 0.6 of the time that one of 32 takes.
BATCH = {"cpu": 8, "cuda": 256}
Role = Literal["text", "query", "document"]


class Encoder:
    """One vector a text, by the modules of the folder; without any, the mean over its tokens.

    Parameters
    ----------
    model : as sentence-transformers has it.
    name : as the user wrote it.
    normalize : give vectors of length 1, so that inner products are cosines; False leaves them
        their length, and drops a normalization that stands last among the folder's modules.
    identity : hash of what the vectors depend on, see `models.identity`.
    """

    def __init__(
        self, model: SentenceTransformer, name: str, *, normalize: bool = True, identity: str = ""
    ) -> None:
        # By its name: its module has moved between versions.
        while not normalize and type(model[-1]).__name__ == "Normalize":
            del model[-1]
        self.model = model.eval()
        self.name = name
        self.normalize = normalize
        self.identity = identity
        self._longest = model.max_seq_length

    @classmethod
    def load(cls, name: str = "minilm", *, normalize: bool = True, device: str = "") -> Self:
        """Load an encoder: `minilm` (embedded), `contriever`, `mpnet`, a folder or a hub id.

        Raises
        ------
        UserError : it cannot be found, or sentence-transformers is not installed.
        """
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise UserError(
                f"encoder {name}: sentence-transformers is not installed",
                "pip install sentence-transformers",
            ) from None
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        path = _path_of(name)
        try:
            model = SentenceTransformer(path, device=device or None)
        except (OSError, ValueError) as error:
            raise not_loaded(f"encoder {name}", error) from None
        return cls(model, name, normalize=normalize, identity=cls.identity_of(name))

    @staticmethod
    def identity_of(name: str) -> str:
        """Hash of what the vectors of an encoder depend on, without loading it.

        Raises
        ------
        UserError : a folder that is not there, a hub that is out of reach.
        """
        return model_identity(ModelSpec("hf", _path_of(name)))

    @cached_property
    def dim(self) -> int:
        """Embedding dimension."""
        return int(np.shape(self.model.encode("", show_progress_bar=False))[0])

    def encode(
        self,
        texts: Sequence[str],
        *,
        role: Role = "text",
        max_length: int = 512,
        progress: str | None = None,
    ) -> Float32[np.ndarray, "texts dim"]:
        """Vectors of texts, in their order.

        Parameters
        ----------
        role : what the texts are; a folder may have a prompt for queries and one for documents.
        max_length : number of tokens that are read at most, where the folder has no lower limit.
        progress : whether a progress bar is shown, None for none.
        """
        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)
        model = self.model
        ways = {"query": model.encode_query, "document": model.encode_document}
        model.max_seq_length = min(max_length, self._longest or max_length)
        vectors = ways.get(role, model.encode)(
            list(texts),
            batch_size=BATCH.get(model.device.type, 64),
            normalize_embeddings=self.normalize,
            show_progress_bar=progress is not None,
        )
        return np.asarray(vectors, dtype=np.float32)


def _path_of(name: str) -> str:
    """Folder or hub id of an encoder's name."""
    return resolve_name(NAMES.get(name, name.removeprefix("hf:")))
