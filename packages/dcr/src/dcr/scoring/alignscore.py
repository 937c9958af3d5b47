"""AlignScore: how well a text is aligned with a document, by a RoBERTa that no detector shares.

Zha et al. (2023), mode `nli_sp`: the document in chunks of about 350 words at sentence borders, the
text in sentences; the probability of "aligned" in the three-way head of every pair; the largest
over chunks, the mean over sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from tenpapers.errors import UserError, first_line
from tenpapers.models.identity import content_digest, file_identity, folder_identity
from tenpapers.models.loading import not_loaded
from tenpapers.sentences import sentence_split

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

PUBLISHED, REPOSITORY, CHECKPOINT = "alignscore-large", "yzha/AlignScore", "AlignScore-large.ckpt"
TOKENIZER = "FacebookAI/roberta-large"
CHUNK_WORDS, BATCH = 350, 32
# Tokens that stand around a pair, at most.
_AROUND = 8
# Names that classifiers of entailment give to the label that is wanted.
_ALIGNED = ("aligned", "entail", "support", "consistent")


@dataclass(frozen=True)
class Aligner:
    """A loaded scorer.

    Parameters
    ----------
    logits : of a batch of pairs, one row a pair.
    aligned : column of the logits that says "aligned".
    kind : AlignScore itself, or another classifier of entailment in its place.
    identity : hash of what the scores depend on.
    """

    tokenizer: PreTrainedTokenizerBase
    logits: Callable[[dict[str, Int[Tensor, "batch tokens"]]], Float[Tensor, "batch labels"]]
    aligned: int
    kind: Literal["AlignScore", "stand-in"]
    identity: str
    longest: int = 512

    def score(
        self, pairs: Sequence[tuple[str, str]], *, progress: str | None = None
    ) -> list[float | None]:
        """Score (document, text) pairs, 0 to 1; None for a text without a sentence.

        Every pair of a chunk and a sentence of the whole file is computed once, by length.
        """
        wanted: dict[tuple[str, str], float] = {}
        parts = [(chunks_of(document), sentences_of(text)) for document, text in pairs]
        for chunks, sentences in parts:
            wanted.update({(chunk, sentence): 0.0 for chunk in chunks for sentence in sentences})
        wanted = dict(zip(wanted, self._probabilities(list(wanted), progress), strict=True))
        scores: list[float | None] = []
        for chunks, sentences in parts:
            best = [max(wanted[chunk, sentence] for chunk in chunks) for sentence in sentences]
            scores.append(float(np.mean(best)) if best else None)
        return scores

    def _probabilities(self, pairs: Sequence[tuple[str, str]], progress: str | None) -> list[float]:
        import torch
        from tqdm import tqdm

        order = sorted(range(len(pairs)), key=lambda i: -len(pairs[i][0]) - len(pairs[i][1]))
        found = [0.0] * len(pairs)
        starts = range(0, len(order), BATCH)
        for start in tqdm(starts, desc=progress, disable=progress is None, unit="batch"):
            batch = order[start : start + BATCH]
            with torch.inference_mode():
                chances = self.logits(self._encoded([pairs[i] for i in batch])).softmax(dim=-1)
            for i, chance in zip(batch, chances[:, self.aligned].tolist(), strict=True):
                found[i] = chance
        return found

    def _encoded(self, pairs: Sequence[tuple[str, str]]) -> dict[str, Int[Tensor, "batch tokens"]]:
        """Ids of pairs; what does not fit is cut from the chunk, never from the sentence."""
        rows = []
        for chunk, sentence in pairs:
            tokens = len(self.tokenizer(sentence, add_special_tokens=False)["input_ids"])
            # A sentence that fills all by itself is cut too.
            cut = "only_first" if tokens + _AROUND < self.longest else "longest_first"
            ids = self.tokenizer(chunk, sentence, truncation=cut, max_length=self.longest)
            rows.append({name: ids[name] for name in ("input_ids", "attention_mask")})
        return dict(self.tokenizer.pad(rows, padding=True, return_tensors="pt"))


def chunks_of(document: str) -> list[str]:
    """A document in runs of whole sentences of about 350 words, as AlignScore cuts it."""
    sentences = sentences_of(document) or [""]
    pieces = len(document.split()) // CHUNK_WORDS + 1
    each = max(len(sentences) // pieces, 1)
    return [" ".join(sentences[i : i + each]) for i in range(0, len(sentences), each)]


def sentences_of(text: str) -> list[str]:
    """The sentences of a text."""
    return [span.text for span in sentence_split(text)]


def open_aligner(spec: str = PUBLISHED, *, tokenizer: str = TOKENIZER) -> Aligner:
    """Load a scorer.

    Parameters
    ----------
    spec : `alignscore-large` (the published checkpoint), a `.ckpt` of AlignScore, or the folder or
        hub id of any classifier of entailment, which then stands in for AlignScore.
    tokenizer : of a `.ckpt`, which has none: a folder or hub id.

    Raises
    ------
    UserError : it cannot be loaded, or has no label that says "aligned".
    """
    if spec == PUBLISHED:
        spec = _published()
    file = Path(spec)
    return _from_checkpoint(file, tokenizer) if file.is_file() else _from_classifier(spec)


def _published() -> str:
    from huggingface_hub import hf_hub_download

    try:
        return str(hf_hub_download(REPOSITORY, CHECKPOINT))
    except Exception as error:  # of the hub's client, requests and the file system
        raise UserError(
            f"{PUBLISHED}: cannot be fetched: {first_line(error)}",
            "without network, --aligner with a local AlignScore-large.ckpt or the folder of a "
            "classifier of entailment; or leave alignscore out of --metrics",
        ) from None


def _from_checkpoint(file: Path, tokenizer: str) -> Aligner:
    """AlignScore as its authors saved it: `base_model.*` of a RoBERTa and `tri_layer.*`."""
    import pickle

    import torch
    from transformers import AutoTokenizer, RobertaModel

    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise UserError(f"{file}: no checkpoint of weights: {first_line(error)}") from None
    weights = saved.get("state_dict", saved)
    if "tri_layer.weight" not in weights:
        raise UserError(f"{file}: no AlignScore: tri_layer.weight is not in it")
    prefix = "base_model."
    body = {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}
    body.pop("embeddings.position_ids", None)
    body.pop("embeddings.token_type_ids", None)
    encoder = RobertaModel(_shape(body))
    encoder.load_state_dict(body)
    head = torch.nn.Linear(encoder.config.hidden_size, len(weights["tri_layer.weight"]))
    head.load_state_dict({name: weights[f"tri_layer.{name}"] for name in ("weight", "bias")})
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoder, head = encoder.to(device).eval(), head.to(device).eval()  # type: ignore[arg-type]  # a wrapper hides its types
    try:
        words = AutoTokenizer.from_pretrained(tokenizer)
    except (OSError, ValueError) as error:
        raise not_loaded(f"tokenizer {tokenizer}", error) from None

    def logits(batch: dict[str, Tensor]) -> Tensor:
        on_device = {name: ids.to(device) for name, ids in batch.items()}
        return head(encoder(**on_device).pooler_output)

    longest = min(512, encoder.config.max_position_embeddings - 2)
    return Aligner(words, logits, 0, "AlignScore", file_identity(file), longest)


def _shape(weights: dict[str, Tensor]) -> object:
    """The configuration of a RoBERTa, read off its weights."""
    from transformers import RobertaConfig

    words = weights["embeddings.word_embeddings.weight"]
    numbers = [int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer.")]
    hidden = int(words.shape[1])
    return RobertaConfig(
        vocab_size=int(words.shape[0]),
        hidden_size=hidden,
        num_hidden_layers=max(numbers) + 1,
        num_attention_heads=max(1, hidden // 64),
        intermediate_size=int(weights["encoder.layer.0.intermediate.dense.weight"].shape[0]),
        max_position_embeddings=int(weights["embeddings.position_embeddings.weight"].shape[0]),
        type_vocab_size=int(weights["embeddings.token_type_embeddings.weight"].shape[0]),
        layer_norm_eps=1e-5,
    )


def _from_classifier(name: str) -> Aligner:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        words = AutoTokenizer.from_pretrained(name)
        model = AutoModelForSequenceClassification.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise not_loaded(f"aligner {name}", error) from None
    labels = {int(number): str(label).lower() for number, label in model.config.id2label.items()}
    wanted = [
        number
        for number, label in labels.items()
        if any(word in label for word in _ALIGNED) and not label.startswith(("not", "non", "un"))
    ]
    if len(wanted) != 1:
        raise UserError(
            f"{name}: no label of it says that a text is aligned",
            f"a classifier of entailment is wanted; its labels: {', '.join(labels.values())}",
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(device).eval()

    def logits(batch: dict[str, Tensor]) -> Tensor:
        return model(**{name: ids.to(device) for name, ids in batch.items()}).logits

    identity = folder_identity(Path(name)) if Path(name).is_dir() else content_digest(name)
    longest = min(512, int(model.config.max_position_embeddings) - 2)
    return Aligner(words, logits, wanted[0], "stand-in", identity, longest)
