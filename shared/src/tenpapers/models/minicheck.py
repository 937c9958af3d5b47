"""MiniCheck: how probable it is that a document supports a claim (Tang et al., 2024).

A document is read in chunks of whole sentences, each chunk with the claim, and the best chunk
counts. Here every document is cut and tokenized once, pairs of chunk and claim of all documents
are sorted by length and read in batches of like ones, so that a file takes few passes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from ..closing import Closing
from ..errors import UserError, first_line
from ..sentences import split_document
from .identity import model_identity
from .loading import SPREAD, device_and_dtype, not_loaded, resolve_name
from .spec import ModelSpec, parse_spec

if TYPE_CHECKING:
    from jaxtyping import Float32
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

log = logging.getLogger(__name__)

# Names that people use for the released models.
NAMES = {
    "minicheck-flan-t5-large": "lytang/MiniCheck-Flan-T5-Large",
    "minicheck-roberta-large": "lytang/MiniCheck-RoBERTa-Large",
    "minicheck-deberta-v3-large": "lytang/MiniCheck-DeBERTa-v3-Large",
}
# Of a chunk: words of a T5, tokens of a classifier.
CHUNK_WORDS, CHUNK_TOKENS = 500, 400
LONGEST = 2048
PREFIX = "predict: "
# Tokens of T5's vocabulary whose logits say "unsupported" and "supported".
T5_LABELS = (3, 209)
# Tokens of a padded batch; on a CPU no more than its caches hold: a small T5 reads a file of short
# documents in 0.9 of the time that batches of 2,048 take, and half of what 16,384 take.
BATCH_TOKENS = 16384
CPU_TOKENS = 1024
# Where a chunk says so much, no other is read in a hurry.
CERTAIN = 0.99
_SUPPORTS = re.compile(r"(?i)^(?:is_?)?(support|entail|consistent|faithful|factual|align|true|yes)")


class Support(NamedTuple):
    """What documents say of claims.

    Parameters
    ----------
    probs : P(supported) of each claim, that of its best chunk.
    chunk_probs : of each claim, P of each chunk; NaN of one that was not read.
    """

    probs: Float32[np.ndarray, " claims"]
    chunk_probs: list[Float32[np.ndarray, " chunks"]]


@dataclass(frozen=True)
class _Case:
    """One chunk with one claim, in tokens; `place` is where its probability goes."""

    place: tuple[int, int]
    ids: list[int]


class MiniCheck(Closing):
    """Scores claims against documents with a T5 or a sequence classifier.

    Parameters
    ----------
    model : a T5 that was trained as MiniCheck's, or any classifier of (document, claim).
    tokenizer : of the model.
    name : as the user wrote it.
    identity : hash of what its probabilities depend on.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        name: str = "",
        identity: str = "",
    ) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        self.name, self.identity = name, identity
        self.is_t5 = bool(model.config.is_encoder_decoder)
        if self.is_t5 and model.config.vocab_size <= max(T5_LABELS):
            raise UserError(f"{name}: has no tokens {T5_LABELS}, which are MiniCheck's labels")
        self._supported = 0 if self.is_t5 else _supported_label(model, name)
        self._longest = _longest(model, self.is_t5)
        self._begin, self._end = _added(tokenizer)
        self.n_cut = 0

    @classmethod
    def load(
        cls,
        name: str = "minicheck-flan-t5-large",
        *,
        dtype: str | None = None,
        device: str | None = None,
    ) -> Self:
        """Load a released model by its name, or one from a folder or the hub.

        Parameters
        ----------
        name : may end in options, such as `?dtype=bfloat16&device=cuda:1&revision=..`.

        Raises
        ------
        UserError : it cannot be found, or is neither a T5 nor a classifier.
        """
        import torch
        from transformers import (
            AutoConfig,
            AutoModelForSeq2SeqLM,
            AutoModelForSequenceClassification,
            AutoTokenizer,
        )
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        spec = cls.spec(name)
        path, revision = resolve_name(spec.name), spec.options.get("revision")
        device, wanted = device_and_dtype(spec, dtype=dtype, device=device)
        loaded_dtype = wanted if wanted == "auto" else getattr(torch, wanted, None)
        if loaded_dtype is None:
            raise UserError(f"{name}: unknown dtype {wanted!r}", "float32, bfloat16 or float16")
        try:
            config = AutoConfig.from_pretrained(path, revision=revision)
            kind = (
                AutoModelForSeq2SeqLM
                if config.is_encoder_decoder
                else AutoModelForSequenceClassification
            )
            model = kind.from_pretrained(path, revision=revision, dtype=loaded_dtype)
            tokenizer = AutoTokenizer.from_pretrained(path, revision=revision)
        except (OSError, ValueError) as error:
            raise not_loaded(name, error) from None
        if device == SPREAD:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            model = model.to(device)
        except (RuntimeError, AssertionError) as error:
            raise UserError(f"{name}: device {device!r}: {first_line(error)}") from None
        identity = cls.identity_of(name, dtype=dtype, device=device)
        return cls(model, tokenizer, name=name, identity=identity)

    @staticmethod
    def spec(name: str) -> ModelSpec:
        """The model spec of a name."""
        head, question, options = name.removeprefix("hf:").partition("?")
        return parse_spec(f"hf:{NAMES.get(head, head)}{question}{options}")

    @classmethod
    def identity_of(cls, name: str, *, dtype: str | None = None, device: str | None = None) -> str:
        """Hash of what the probabilities of a model depend on, without loading it.

        Raises
        ------
        UserError : a folder that is not there, a hub that is out of reach.
        """
        spec = cls.spec(name)
        return model_identity(spec, dtype=device_and_dtype(spec, dtype=dtype, device=device)[1])

    def chunks(self, document: str) -> list[str]:
        """Cut a document as this model reads it: by words for a T5, else by its own tokens.

        Raises
        ------
        EmptyDocumentError : there is no word in it.
        """
        if self.is_t5:
            return split_document(document, CHUNK_WORDS)
        return split_document(document, CHUNK_TOKENS, size=lambda part: len(self._plain([part])[0]))

    def score(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        batch_tokens: int = BATCH_TOKENS,
        early_exit: bool = False,
    ) -> Support:
        """Probability that each document supports its claim; a claim is read as it is, uncut.

        Parameters
        ----------
        pairs : (document, claim).
        batch_tokens : tokens of a batch, with its padding; on a CPU at most 1,024.
        early_exit : read the chunk that has most of the claim's words first, and no other where it
            supports the claim for certain; labels stay, the other chunks' probabilities do not.

        Raises
        ------
        EmptyDocumentError : a document without a word.
        """
        documents = {document: self.chunks(document) for document, _ in pairs}
        texts = list(dict.fromkeys(chunk for chunks in documents.values() for chunk in chunks))
        heads = dict(zip(texts, self._plain([self._prefix + text for text in texts]), strict=True))
        eos = str(self.tokenizer.eos_token or self.tokenizer.sep_token)
        claims = list(dict.fromkeys(claim for _, claim in pairs))
        # A claim is tokenized behind the separator, as it stands in the whole text.
        tails = dict(zip(claims, self._plain([eos + claim for claim in claims]), strict=True))
        found = {
            pair: np.full(len(documents[pair[0]]), np.nan, dtype=np.float32)
            for pair in dict.fromkeys(pairs)
        }
        self.n_cut = 0
        asked = list(found)

        def case(index: int, number: int) -> _Case:
            document, claim = asked[index]
            head, tail = heads[documents[document][number]], tails[claim]
            return _Case((index, number), self._joined(head, tail))

        if early_exit:
            firsts = [_most_alike(documents[document], claim) for document, claim in asked]
            self._read([case(i, n) for i, n in enumerate(firsts)], asked, found, batch_tokens)
        left = [
            case(index, number)
            for index, pair in enumerate(asked)
            if not early_exit or np.nanmax(found[pair]) <= CERTAIN
            for number in np.flatnonzero(np.isnan(found[pair])).tolist()
        ]
        self._read(left, asked, found, batch_tokens)
        if self.n_cut:
            log.warning(
                "%s: %d chunks were cut at %d tokens, so that the claim fits behind them",
                self.name or "MiniCheck",
                self.n_cut,
                self._longest,
            )
        chunk_probs = [found[pair] for pair in pairs]
        best = [np.nanmax(probs) for probs in chunk_probs]
        return Support(np.array(best, dtype=np.float32), chunk_probs)

    @property
    def _prefix(self) -> str:
        return PREFIX if self.is_t5 else ""

    def _plain(self, texts: list[str]) -> list[list[int]]:
        """Tokens of texts, without those that a tokenizer puts around them."""
        if not texts:
            return []
        ids: list[list[int]] = self.tokenizer(
            texts, add_special_tokens=False, truncation=False, verbose=False
        )["input_ids"]
        return ids

    def _joined(self, head: list[int], tail: list[int]) -> list[int]:
        """Chunk and claim as one text; what is too long is cut off the chunk, never the claim."""
        room = self._longest - len(self._begin) - len(self._end)
        if len(head) + len(tail) > room:
            self.n_cut += 1
            tail = tail[: room // 2] if len(tail) > room - 1 else tail
            head = head[: room - len(tail)]
        return [*self._begin, *head, *tail, *self._end]

    def _read(
        self,
        cases: Sequence[_Case],
        asked: Sequence[tuple[str, str]],
        found: dict[tuple[str, str], Float32[np.ndarray, " chunks"]],
        batch_tokens: int,
    ) -> None:
        """Put the probability of each case where it belongs."""
        if self.model.device.type == "cpu":
            batch_tokens = min(batch_tokens, CPU_TOKENS)
        for batch in _batches(cases, batch_tokens):
            for case, prob in zip(batch, self._probabilities(batch), strict=True):
                index, number = case.place
                found[asked[index]][number] = prob

    def _probabilities(self, batch: Sequence[_Case]) -> list[float]:
        import torch

        width = max(len(case.ids) for case in batch)
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([case.ids + [pad] * (width - len(case.ids)) for case in batch])
        lengths = torch.tensor([[len(case.ids)] for case in batch])
        given = {"input_ids": ids, "attention_mask": (torch.arange(width) < lengths).long()}
        given = {name: values.to(self.model.device) for name, values in given.items()}
        with torch.inference_mode():
            if self.is_t5:
                start = torch.zeros((len(batch), 1), dtype=torch.long, device=self.model.device)
                logits = self.model(**given, decoder_input_ids=start).logits[:, 0]
                return logits[:, list(T5_LABELS)].float().softmax(-1)[:, 1].tolist()
            logits = self.model(**given).logits.float()
            if logits.shape[1] == 1:
                return logits[:, 0].sigmoid().tolist()
            return logits.softmax(-1)[:, self._supported].tolist()

    def close(self) -> None:
        """Free the model, so that the next one has the memory."""
        import torch

        del self.model
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _batches(cases: Sequence[_Case], batch_tokens: int) -> Iterator[list[_Case]]:
    """Cases of like lengths, as many as fit when all are padded to the longest."""
    batch: list[_Case] = []
    for case in sorted(cases, key=lambda case: len(case.ids)):
        if batch and len(case.ids) * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(case)
    if batch:
        yield batch


def _most_alike(chunks: Sequence[str], claim: str) -> int:
    words = set(claim.lower().split())
    return max(range(len(chunks)), key=lambda n: len(words & set(chunks[n].lower().split())))


def _added(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Tokens that a tokenizer puts before and behind a text."""
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole = tokenizer("a")["input_ids"]
    for start in range(len(whole) - len(plain) + 1):
        if whole[start : start + len(plain)] == plain:
            return whole[:start], whole[start + len(plain) :]
    return [], []


def _longest(model: PreTrainedModel, is_t5: bool) -> int:
    """Tokens that fit; places of RoBERTa's begin behind its padding."""
    if is_t5:
        return LONGEST
    places = int(getattr(model.config, "max_position_embeddings", 0) or LONGEST)
    if model.config.model_type in ("roberta", "xlm-roberta", "camembert"):
        places -= int(model.config.pad_token_id or 0) + 1
    # DeBERTa's places are relative: it was trained on 512 and reads MiniCheck's 2048.
    return LONGEST if model.config.model_type.startswith("deberta") else min(places, LONGEST)


def _supported_label(model: PreTrainedModel, name: str) -> int:
    """Which class means "supported"."""
    labels = {int(number): str(text) for number, text in (model.config.id2label or {}).items()}
    named = [number for number, text in labels.items() if _SUPPORTS.match(text)]
    if len(named) == 1:
        return named[0]
    if not named and len(labels) <= 2:
        return len(labels) - 1
    raise UserError(
        f"{name}: which of its classes means supported? {', '.join(labels.values())}",
        "give one of them a name like `supported` or `entailment` in config.json's id2label",
    )
