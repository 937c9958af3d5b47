"""One encoder for queries and documents: mean pooling, batches by tokens, cosine or dot product."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from tenpapers.embedding.encoder import NAMES
from tenpapers.errors import UserError
from tenpapers.models.identity import model_identity
from tenpapers.models.loading import resolve_name
from tenpapers.records import read_json

from ..records import Passage, Query
from .query_form import QueryFormat, fitted_queries

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Int
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Score = Literal["cosine", "dot"]
Pooling = Literal["mean", "cls"]
Side = Literal["query", "document"]
Dtype = Literal["float32", "bfloat16", "float16"]

# What a checkpoint says of how it was trained and is to be searched; matrices that are multiplied
# to the pooled vectors, where only those were trained (`query`, `document`: [out, in], float32).
CONFIG = "cfr_config.json"
HEADS = "heads.safetensors"
# Tokens of a batch on a CPU at most: longer ones do not fit its caches and take longer.
CPU_BUDGET = 2048
_CHUNK = 8192  # texts that are tokenized at a time


@dataclass(frozen=True)
class EncoderConfig:
    """How an encoder was trained and is to be used; a checkpoint keeps it in `cfr_config.json`.

    Parameters
    ----------
    score : of a query and a document: "cosine", or "dot" of vectors of any length.
    normalize_text : write every text in one Unicode form, with plain quotes and single spaces.
    query_length, document_length : tokens that are read at most.
    """

    score: Score = "cosine"
    pooling: Pooling = "mean"
    query_format: QueryFormat = "sep"
    query_length: int = 128
    document_length: int = 256
    normalize_text: bool = False

    @classmethod
    def of(cls, folder: str) -> EncoderConfig:
        """What a checkpoint says, in a folder or on the hub; without it, how it is pooled."""
        if file := _file_of(folder, CONFIG):
            known = {field.name for field in dataclasses.fields(cls)}
            return cls(**{name: value for name, value in read_json(file).items() if name in known})
        if pooling := _file_of(folder, "1_Pooling/config.json"):
            modes = read_json(pooling)
            if modes.get("pooling_mode_cls_token") or modes.get("pooling_mode") == "cls":
                return cls(pooling="cls")
        return cls()


class Encoder:
    """One vector a text: the mean of its tokens' last states.

    Parameters
    ----------
    model, tokenizer : of transformers.
    name : as the user wrote it.
    config : how it is used.
    normalize : give vectors of length 1, so that inner products are cosines.
    identity : hash of what the vectors depend on, see `tenpapers.models.identity`.
    heads : matrices by side, applied to pooled vectors.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        name: str = "",
        *,
        config: EncoderConfig | None = None,
        normalize: bool = True,
        identity: str = "",
        heads: dict[Side, Tensor] | None = None,
    ) -> None:
        self.model, self.tokenizer, self.name = model, tokenizer, name
        self.config = config or EncoderConfig()
        self.normalize, self.identity = normalize, identity
        self.heads = heads or {}

    @classmethod
    def load(
        cls,
        name_or_path: str = "minilm",
        pooling: Pooling = "mean",
        normalize: bool = True,
        *,
        device: str = "",
        dtype: Dtype = "float32",
    ) -> Self:
        """Load an encoder: `minilm` (embedded), `contriever`, a folder or a hub id.

        Parameters
        ----------
        pooling : "mean" of the tokens, or the first one's state ("cls").
        device : of torch; "" for the GPU where there is one.

        Raises
        ------
        UserError : it cannot be found.
        """
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        path = path_of(name_or_path)
        try:
            weights = _transformer_folder(path)
            tokenizer = AutoTokenizer.from_pretrained(weights)
            model = AutoModel.from_pretrained(weights, dtype=getattr(torch, dtype))
        except (OSError, ValueError) as error:
            first = str(error).strip().splitlines()[0]
            raise UserError(
                f"encoder {name_or_path}: cannot be loaded: {first}",
                "without network, pass minilm, or a folder with config.json, model.safetensors and "
                "tokenizer.json",
            ) from None
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        return cls(
            model.to(device).eval(),
            tokenizer,
            name_or_path,
            config=dataclasses.replace(EncoderConfig.of(path), pooling=pooling),
            normalize=normalize,
            identity=identity_of(name_or_path),
            heads=_heads_of(path, device),
        )

    @classmethod
    def for_search(
        cls,
        name: str,
        *,
        score: Score | None = None,
        query_format: QueryFormat | None = None,
        device: str = "",
        dtype: Dtype = "float32",
    ) -> Self:
        """Load an encoder as its checkpoint says that it is to be used.

        Parameters
        ----------
        score, query_format : win over what the checkpoint says.

        Raises
        ------
        UserError : see `load`.
        """
        config = EncoderConfig.of(path_of(name))
        used = dataclasses.replace(
            config,
            score=score or config.score,
            query_format=query_format or config.query_format,
        )
        loaded = cls.load(name, used.pooling, used.score == "cosine", device=device, dtype=dtype)
        loaded.config = used
        return loaded

    @property
    def dim(self) -> int:
        """Embedding dimension."""
        if self.heads:
            return int(self.heads["document"].shape[0])
        return int(self.model.config.hidden_size)

    @property
    def longest(self) -> int:
        """How many tokens the model can read of a text."""
        positions = int(getattr(self.model.config, "max_position_embeddings", 0) or 1 << 30)
        return min(positions, int(self.tokenizer.model_max_length))

    def encode(
        self,
        texts: Sequence[str],
        max_length: int = 256,
        token_budget: int = 16384,
        *,
        side: Side = "document",
        progress: str | None = None,
    ) -> Float32[np.ndarray, "texts dim"]:
        """Vectors of texts, in their order.

        Parameters
        ----------
        max_length : tokens that are read of a text at most.
        token_budget : tokens of a batch at most, padding counted; on a CPU 2048 or fewer.
        side : which of the two matrices is applied, where the checkpoint has them.
        progress : what a progress bar says, None for none.
        """
        import torch
        from tqdm import tqdm

        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        device = self.model.device
        budget = min(token_budget, CPU_BUDGET) if device.type == "cpu" else token_budget
        with (
            torch.inference_mode(),
            tqdm(total=len(texts), desc=progress, disable=progress is None) as bar,
        ):
            for start in range(0, len(texts), _CHUNK):
                tokens = self.tokens(texts[start : start + _CHUNK], max_length)
                for rows in batches([len(ids) for ids in tokens], budget):
                    ids, mask = padded([tokens[row] for row in rows], self.tokenizer)
                    found = self.vectors(ids.to(device), mask.to(device), side=side)
                    vectors[start + rows] = found.float().cpu().numpy()
                    bar.update(len(rows))
        return vectors

    def encode_queries(
        self, queries: Sequence[Query], *, progress: str | None = None
    ) -> Float32[np.ndarray, "queries dim"]:
        """Vectors of claims with their subquestions, written as the configuration says."""
        config = self.config
        texts = fitted_queries(
            queries, self.tokenizer, form=config.query_format, max_length=config.query_length
        )
        # They are as short as they may be cut; see `fitted_queries`.
        return self.encode(texts, self.longest, side="query", progress=progress)

    def encode_passages(
        self, passages: Sequence[Passage], *, progress: str | None = None
    ) -> Float32[np.ndarray, "passages dim"]:
        """Vectors of passages: title and text, joined by one space."""
        texts = [passage.document for passage in passages]
        return self.encode(texts, self.config.document_length, progress=progress)

    def tokens(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """Token ids of texts, cut from the right, special ones among them."""
        if self.config.normalize_text:
            texts = [normalized(text) for text in texts]
        limit = min(max_length, self.longest)
        if not texts:
            return []
        return self.tokenizer(list(texts), truncation=True, max_length=limit)["input_ids"]

    def vectors(
        self,
        ids: Int[Tensor, "texts tokens"],
        mask: Int[Tensor, "texts tokens"],
        *,
        side: Side = "document",
    ) -> Float[Tensor, "texts dim"]:
        """Vectors of token ids, with a gradient where one is wanted.

        Parameters
        ----------
        mask : 1 for a token, 0 for padding.
        """
        import torch

        states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        found = states[:, 0] if self.config.pooling == "cls" else mean_pooled(states, mask)
        if side in self.heads:
            found = found @ self.heads[side].to(found).T
        return torch.nn.functional.normalize(found, dim=-1) if self.normalize else found


def path_of(name: str) -> str:
    """Folder or hub id of an encoder's name."""
    return resolve_name(NAMES.get(name, name.removeprefix("hf:")))


def tokenizer_of(name: str) -> PreTrainedTokenizerBase:
    """Tokenizer of an encoder, without its model.

    Raises
    ------
    UserError : it cannot be found.
    """
    from tenpapers.models import load_tokenizer

    return load_tokenizer(_transformer_folder(path_of(name)))


def identity_of(name: str) -> str:
    """Hash of what an encoder's vectors depend on, without loading it.

    Raises
    ------
    UserError : a folder that is not there, a hub that is out of reach.
    """
    return model_identity(f"hf:{path_of(name)}")


def mean_pooled(
    states: Float[Tensor, "texts tokens dim"], mask: Int[Tensor, "texts tokens"]
) -> Float[Tensor, "texts dim"]:
    """Mean of the states of a text's tokens, padding left out (Contriever)."""
    weights = mask[..., None].to(states)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1)


def batches(lengths: Sequence[int], budget: int) -> Iterator[Int[np.ndarray, " batch"]]:
    """Rows of texts of like length, longest first, so that a padded batch stays in the budget.

    Parameters
    ----------
    lengths : tokens of each text.
    budget : tokens of a batch, padding counted; a longer text is a batch of its own.
    """
    order = np.argsort(-np.asarray(lengths), kind="stable")
    start = 0
    while start < len(order):
        longest = max(1, lengths[order[start]])
        size = max(1, budget // longest)
        yield order[start : start + size]
        start += size


def padded(
    tokens: Sequence[Sequence[int]], tokenizer: PreTrainedTokenizerBase
) -> tuple[Int[Tensor, "texts tokens"], Int[Tensor, "texts tokens"]]:
    """Token ids padded on the right, and the mask of what is a token."""
    import torch

    width = max(1, *(len(ids) for ids in tokens))
    ids = torch.full((len(tokens), width), tokenizer.pad_token_id or 0)
    mask = torch.zeros((len(tokens), width), dtype=torch.long)
    for row, own in enumerate(tokens):
        ids[row, : len(own)] = torch.tensor(own, dtype=torch.long)
        mask[row, : len(own)] = 1
    return ids, mask


_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


def normalized(text: str) -> str:
    """A text in Unicode's compatible form, with plain quotes and dashes and single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_PLAIN).split())


def _transformer_folder(path: str) -> str:
    """Where the weights lie: sentence-transformers may have them in a folder of their own."""
    file = Path(path, "modules.json")
    if not file.exists():
        return path
    modules: list[dict[str, Any]] = read_json(file)
    return str(Path(path, modules[0].get("path", ""))) if modules else path


def _heads_of(path: str, device: str) -> dict[Side, Tensor]:
    file = _file_of(path, HEADS)
    if file is None:
        return {}
    from safetensors.torch import load_file

    found = load_file(file, device=device)
    return {"query": found["query"], "document": found["document"]}


def _file_of(path: str, name: str) -> Path | None:
    """A file of a checkpoint's folder, or of a hub model; None where it has none."""
    if Path(path).is_dir():
        return Path(path, name) if Path(path, name).is_file() else None
    from transformers.utils.hub import cached_file

    try:
        found = cached_file(path, name, _raise_exceptions_for_missing_entries=False)
    except (OSError, ValueError):  # out of reach: loading the model says so
        return None
    return Path(found) if found else None
