"""A trained model on disk: a folder of sentence-transformers that says how it was trained.

`cfr_config.json` holds score, query form, text normalisation and lengths, so that a search uses
what training used. Whoever knows nothing of that loads the folder with sentence-transformers.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.records import write_json

from ..retrieval.encoder import CONFIG, HEADS, Encoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor
    from torch.nn import Module


def save_checkpoint(encoder: Encoder, folder: Path) -> None:
    """Write an encoder as a folder of sentence-transformers with its `cfr_config.json`.

    Parameters
    ----------
    folder : an empty or new one.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    as_sentence_transformer(encoder).save(str(folder), create_model_card=False)
    if encoder.heads:
        heads = {
            str(side): matrix.detach().cpu().float().contiguous()
            for side, matrix in encoder.heads.items()
        }
        save_file(heads, folder / HEADS)
    write_json(folder / CONFIG, dataclasses.asdict(encoder.config))


def as_sentence_transformer(encoder: Encoder) -> SentenceTransformer:
    """The encoder as sentence-transformers has it, with the same vectors.

    Matrices of the two sides become routes of a `Router`: `encode_query` and `encode_document`
    take the right one.

    Raises
    ------
    UserError : sentence-transformers is not installed.
    """
    try:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.models import Normalize, Pooling, Transformer
    except ImportError:
        raise UserError(
            "sentence-transformers is not installed", "pip install sentence-transformers"
        ) from None
    config = encoder.config
    scratch = tempfile.mkdtemp()
    try:
        encoder.model.save_pretrained(scratch)
        encoder.tokenizer.save_pretrained(scratch)
        body = Transformer(scratch, max_seq_length=_longest(encoder))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    modules: list[Module] = [
        body,
        Pooling(encoder.model.config.hidden_size, pooling_mode=config.pooling),
    ]
    if encoder.heads:
        modules.append(_router(encoder.heads["query"], encoder.heads["document"]))
    if config.score == "cosine":
        modules.append(Normalize())
    return SentenceTransformer(
        modules=modules,
        device=str(encoder.model.device),
        similarity_fn_name=config.score,
    )


def _longest(encoder: Encoder) -> int:
    """Tokens that sentence-transformers reads of any text: it has one limit for both sides."""
    config = encoder.config
    return min(encoder.longest, max(config.query_length, config.document_length))


def _router(query: Tensor, document: Tensor) -> Module:
    from sentence_transformers.models import Router

    return Router.for_query_document([_dense(query)], [_dense(document)])


def _dense(matrix: Tensor) -> Module:
    from sentence_transformers.models import Dense
    from torch.nn import Identity

    wide, narrow = matrix.shape[1], matrix.shape[0]
    return Dense(
        wide,
        narrow,
        bias=False,
        activation_function=Identity(),
        init_weight=matrix.detach().cpu().float(),
    )
