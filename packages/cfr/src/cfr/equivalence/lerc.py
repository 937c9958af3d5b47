"""LERC: a BERT that says how close an answer's meaning is to a right one (Chen et al., 2020)."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from tenpapers.errors import UserError
from tenpapers.models.identity import content_digest, file_identity
from tenpapers.models.loading import resolve_name

from .lerc_input import LONGEST, LercInput, LercRow, inputs_of
from .lerc_settings import BASE

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float32
    from transformers import BertConfig, BertModel, PreTrainedTokenizerBase

# Of a batch, with its padding.
TOKEN_BUDGET = 8192
BASE_VOCABULARY = 30_522
# Width of an attention head in every BERT that was published.
HEAD_WIDTH = 64
WEIGHTS = ("model.safetensors", "pytorch_model.bin", "weights.th", "best.th")
SCORE_LAYER = "score_layer"


class Lerc:
    """Scores answers; the model is a BERT and a linear layer on its last [CLS] vector.

    Parameters
    ----------
    bert : without a pooler.
    head : from a vector to a score of 1 to 5.
    tokenizer : of the BERT.
    name : where it came from.
    identity : hash of its weights.

    Attributes
    ----------
    n_scored, n_tokens : how many distinct rows the model has read, in how many word pieces.
    """

    def __init__(
        self,
        bert: BertModel,
        head: torch.nn.Linear,
        tokenizer: PreTrainedTokenizerBase,
        *,
        name: str = "",
        identity: str = "",
    ) -> None:
        self.bert, self.head, self.tokenizer = bert.eval(), head.eval(), tokenizer
        self.name, self.identity = name, identity
        self.n_scored = self.n_tokens = 0

    @classmethod
    def load(cls, path: str, *, tokenizer: str = "", device: str = "") -> Self:
        """Load a model: a folder, the released archive (`*.tar.gz`), or a hub id.

        Its weights are called `bert.*` and `score_layer.*`; a BERT configuration and a tokenizer
        may lie beside them. Where they do not, the shapes of the weights say the configuration, and
        the tokenizer is bert-base-uncased's.

        Parameters
        ----------
        tokenizer : folder or hub id; "" for the model's own.
        device : "" for a GPU where there is one.

        Raises
        ------
        UserError : no such model, no LERC in it, a hub that is out of reach.
        """
        import torch

        place = Path(path)
        if place.suffixes[-2:] == [".tar", ".gz"] or place.suffix == ".tgz":
            with tempfile.TemporaryDirectory() as scratch:
                _unpack(place, Path(scratch))
                model = cls._of_folder(Path(scratch), path, tokenizer)
                model.identity = file_identity(place)
        else:
            folder = place if place.is_dir() else _from_hub(path)
            model = cls._of_folder(folder, path, tokenizer)
            model.identity = _identity(folder) if place.is_dir() else f"hub {folder.name}"
        return model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))

    @classmethod
    def _of_folder(cls, folder: Path, name: str, tokenizer: str) -> Self:
        import torch
        from transformers import BertModel

        weights = _weights(folder, name)
        config = _config(folder, weights)
        bert = BertModel(config, add_pooling_layer=False)
        own = {
            key.removeprefix("bert."): value
            for key, value in weights.items()
            if key.startswith("bert.") and "pooler" not in key and "position_ids" not in key
        }
        head = torch.nn.Linear(config.hidden_size, 1)
        try:
            bert.load_state_dict(own)
            head.load_state_dict(
                {part: weights[f"{SCORE_LAYER}.{part}"] for part in ("weight", "bias")}
            )
        except (RuntimeError, KeyError) as error:
            first = " ".join(str(error).split())[:200]
            raise UserError(f"{name}: its weights are no LERC's: {first}") from None
        return cls(bert, head, _tokenizer(folder, tokenizer, config.vocab_size), name=name)

    def to(self, device: str) -> Self:
        """Move the model."""
        self.bert.to(device)
        self.head.to(device)
        return self

    def score(
        self,
        context: Sequence[str],
        question: Sequence[str],
        reference: Sequence[str],
        candidate: Sequence[str],
    ) -> Float32[np.ndarray, " n"]:
        """Normalized score of each candidate, 0 to 1; the four lists have one length.

        Identical rows are read once, rows of like lengths together.
        """
        rows = [
            LercRow(context=c, question=q, reference=r, candidate=a)
            for c, q, r, a in zip(context, question, reference, candidate, strict=True)
        ]
        return normalized(self.raw_scores(rows))

    def raw_scores(self, rows: Sequence[LercRow]) -> Float32[np.ndarray, " n"]:
        """Scores as the model gives them, on people's scale of 1 to 5."""
        distinct = {row.quadruple: row for row in rows}
        inputs = inputs_of(self.tokenizer, distinct.values())
        found = dict(zip(distinct, self._read(inputs), strict=True))
        self.n_scored += len(inputs)
        self.n_tokens += sum(len(one.ids) for one in inputs)
        return np.array([found[row.quadruple] for row in rows], dtype=np.float32)

    def _read(self, inputs: Sequence[LercInput]) -> list[float]:
        import torch

        scores = [0.0] * len(inputs)
        with torch.inference_mode():
            for places in batches([len(one.ids) for one in inputs]):
                given = self.scores_of([inputs[place] for place in places]).float().tolist()
                for place, score in zip(places, given, strict=True):
                    scores[place] = score
        return scores

    def scores_of(self, inputs: Sequence[LercInput]) -> torch.Tensor:
        """Scores of one batch, shape (batch,), with their gradient."""
        scores: torch.Tensor = self.head(self.cls_vectors(inputs)).squeeze(-1)
        return scores

    def cls_vectors(self, inputs: Sequence[LercInput]) -> torch.Tensor:
        """Last vectors of [CLS], shape (batch, hidden)."""
        import torch

        pad = self.tokenizer.pad_token_id
        longest = max(len(one.ids) for one in inputs)

        def padded(rows: Sequence[Sequence[int]], filler: int) -> torch.Tensor:
            filled = [[*row, *[filler] * (longest - len(row))] for row in rows]
            return torch.tensor(filled, device=self.bert.device)

        mask = padded([[1] * len(one.ids) for one in inputs], 0)
        states = self.bert(
            input_ids=padded([one.ids for one in inputs], pad),
            token_type_ids=padded([one.segments for one in inputs], 0),
            attention_mask=mask,
        ).last_hidden_state
        first: torch.Tensor = states[:, 0]
        return first

    def save(self, folder: Path) -> None:
        """Write weights, configuration and tokenizer to a folder that `load` reads."""
        from safetensors.torch import save_file

        parts = {"bert": self.bert, SCORE_LAYER: self.head}
        weights = {
            f"{part}.{name}": value.detach().cpu().contiguous()
            for part, module in parts.items()
            for name, value in module.state_dict().items()
        }
        folder.mkdir(parents=True, exist_ok=True)
        save_file(weights, folder / WEIGHTS[0])
        self.bert.config.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def normalized(scores: Float32[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    """Scores of 1 to 5 as 0 to 1; what lies beyond is cut."""
    return np.clip((np.asarray(scores, dtype=np.float32) - 1) / 4, 0, 1)


def batches(lengths: Sequence[int], budget: int = TOKEN_BUDGET) -> Iterator[list[int]]:
    """Positions in batches of like lengths, the longest first.

    Parameters
    ----------
    budget : of tokens in a batch, with its padding; a longer sequence is a batch by itself.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: (-lengths[place], place)):
        if batch and (len(batch) + 1) * lengths[batch[0]] > budget:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def fresh_lerc(base: str = BASE, *, tokenizer: str = "", device: str = "", seed: int = 0) -> Lerc:
    """A LERC that has learnt nothing: a BERT from a folder or the hub, and a random layer.

    Raises
    ------
    UserError : there is no such BERT.
    """
    import torch
    from transformers import BertModel

    torch.manual_seed(seed)
    try:
        bert = BertModel.from_pretrained(base, add_pooling_layer=False, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise _out_of_reach(base, error) from None
    head = torch.nn.Linear(bert.config.hidden_size, 1)
    made = Lerc(
        bert, head, _tokenizer(Path(base), tokenizer or base, bert.config.vocab_size), name=base
    )
    return made.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def _identity(folder: Path) -> str:
    """Hash of all that lies in a model's folder; AllenNLP's weights have an ending of their own."""
    parts = sorted(path for path in folder.iterdir() if path.is_file())
    return content_digest([[path.name, file_identity(path)] for path in parts])


def _unpack(archive: Path, folder: Path) -> None:
    if not archive.is_file():
        raise UserError(f"{archive}: no such file")
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UserError(f"{archive}: cannot be unpacked: {error}") from None


def _from_hub(name: str) -> Path:
    if name.startswith(("/", ".", "~")):
        raise UserError(f"{name}: no such folder")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name))
    except (OSError, ValueError) as error:
        raise _out_of_reach(name, error) from None


def _out_of_reach(name: str, error: Exception) -> UserError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return UserError(
        f"{name}: cannot be loaded: {first}",
        "without network, pass a folder with model.safetensors (or weights.th) and vocab.txt, or "
        "the released archive lerc-2020-11-18.tar.gz",
    )


def _weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    file = next((folder / known for known in WEIGHTS if (folder / known).is_file()), None)
    if file is None:
        raise UserError(f"{name}: no weights in it", f"one of {', '.join(WEIGHTS)} is wanted")
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(file))
    import torch

    loaded: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return loaded


def _config(folder: Path, weights: dict[str, torch.Tensor]) -> BertConfig:
    """The configuration beside the weights; else what their shapes say."""
    from transformers import BertConfig

    file = folder / "config.json"
    told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if "hidden_size" in told:  # AllenNLP's configuration has none
        return BertConfig.from_dict(told)
    try:
        vocabulary, width = weights["bert.embeddings.word_embeddings.weight"].shape
        positions = len(weights["bert.embeddings.position_embeddings.weight"])
        inner = len(weights["bert.encoder.layer.0.intermediate.dense.weight"])
    except KeyError as error:
        raise UserError(f"{folder}: its weights are no LERC's: no {error}") from None
    layers = {key.split(".")[3] for key in weights if key.startswith("bert.encoder.layer.")}
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=len(layers),
        num_attention_heads=max(1, width // HEAD_WIDTH),
        intermediate_size=inner,
        max_position_embeddings=positions,
    )


def _tokenizer(folder: Path, name: str, vocabulary: int) -> PreTrainedTokenizerBase:
    """The named tokenizer, the one beside the weights, or bert-base-uncased's."""
    from transformers import AutoTokenizer

    options: dict[str, Any] = {"model_max_length": LONGEST}
    beside = any((folder / part).is_file() for part in ("vocab.txt", "tokenizer.json"))
    wanted = name or (str(folder) if beside else BASE)
    try:
        return AutoTokenizer.from_pretrained(wanted, **options)
    except (OSError, ValueError) as error:
        # all-MiniLM-L6-v2 has the vocabulary of bert-base-uncased, and is embedded.
        if wanted == BASE and vocabulary == BASE_VOCABULARY:
            return AutoTokenizer.from_pretrained(resolve_name("minilm"), **options)
        raise _out_of_reach(wanted, error) from None
