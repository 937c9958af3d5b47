"""Single-edit fine-tuning: one adapter for each test example, reset in place."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.models import CausalLM

from .settings import EditConfig
from .training_sets import TrainingText

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float, Int
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# A label that the loss does not count.
IGNORED = -100


@dataclass
class AdapterHandle:
    """What one edit did: loss of every optimiser step (nats a token), tokens seen, seconds."""

    losses: list[float] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Batch:
    """Padded training texts: token ids, labels (-100 where no loss counts), 1 for real tokens."""

    input_ids: Int[torch.Tensor, "texts tokens"]
    labels: Int[torch.Tensor, "texts tokens"]
    attention_mask: Int[torch.Tensor, "texts tokens"]


def tokenise(lm: CausalLM, text: TrainingText) -> tuple[list[int], list[int]]:
    """Give token ids and labels; labels before the answer are -100 (no loss).

    Raises
    ------
    UserError : the text is longer than the model's context.
    """
    encoded = lm.tokenizer(text.text, return_offsets_mapping=True)
    ids = list(encoded["input_ids"])
    if len(ids) > lm.context:
        raise UserError(f"training text of {len(ids)} tokens, the context is {lm.context}")
    labels = [
        token if begin >= text.start or end > text.start else IGNORED
        for token, (begin, end) in zip(ids, encoded["offset_mapping"], strict=True)
    ]
    return ids, labels


class Editor:
    """Edits one model again and again: the adapter is reset in place, the weights never reload.

    Parameters
    ----------
    model : causal LM; gets LoRA modules, or is trained as a whole.
    tok : its tokenizer.
    cfg : settings.

    Raises
    ------
    UserError : the model has none of the target modules.
    """

    def __init__(
        self, model: PreTrainedModel, tok: PreTrainedTokenizerBase, cfg: EditConfig | None = None
    ) -> None:
        self.cfg = cfg or EditConfig()
        self.tok = tok
        self._initial: dict[str, torch.Tensor] = {}
        if self.cfg.adapter == "none":
            self.model = model
            weights = model.state_dict()
            self._initial = {name: value.detach().clone() for name, value in weights.items()}
        else:
            self.model = _with_lora(model, self.cfg)
        self._trained = [p for p in self.model.parameters() if p.requires_grad]
        self.reset()

    @property
    def trainable_parameters(self) -> int:
        """Number of weights of the adapter."""
        return sum(parameter.numel() for parameter in self._trained)

    def reset(self) -> None:
        """Make the adapter new: A drawn from the seed, B zero; the model is then the base model."""
        import torch

        random = torch.Generator().manual_seed(self.cfg.seed)
        if self._initial:
            self.model.load_state_dict(self._initial)
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if "lora_A" in name:
                    # peft's own start: Kaiming uniform with a = sqrt(5), i.e. within 1/sqrt(fan in)
                    bound = 1 / math.sqrt(parameter.shape[1])
                    fresh = torch.empty(parameter.shape).uniform_(-bound, bound, generator=random)
                    parameter.copy_(fresh)
                elif "lora_B" in name:
                    parameter.zero_()
        self.model.eval()

    def edit(self, texts: Sequence[TrainingText]) -> AdapterHandle:
        """Train a fresh adapter on the texts and leave the model edited, in eval mode.

        Raises
        ------
        UserError : more texts than steps (the official floor division then trains nothing).
        """
        import torch

        device = self.model.device
        epochs = self.cfg.epochs_times_texts // len(texts) if texts else 0
        if epochs < 1:
            raise UserError(f"{len(texts)} training texts leave no epoch to train")
        self.reset()
        batches = self._batches(texts)
        optimiser = torch.optim.AdamW(
            self._trained, lr=self.cfg.learning_rate, weight_decay=self.cfg.weight_decay
        )
        handle, began = AdapterHandle(), time.monotonic()
        # Dropout draws from the global generator: fork it, so that an edit leaves no trace there.
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(self.cfg.seed)
            self.model.train()
            for _ in range(epochs):
                for batch in batches:
                    loss = answer_loss(self.model, batch)
                    loss.backward()
                    optimiser.step()
                    optimiser.zero_grad(set_to_none=True)
                    handle.losses.append(float(loss.detach()))
                    handle.tokens += int(batch.attention_mask.sum())
        self.model.eval()
        handle.seconds = time.monotonic() - began
        return handle

    def _batches(self, texts: Sequence[TrainingText]) -> list[Batch]:
        lm = CausalLM(self.model, self.tok, "", "")
        rows = [tokenise(lm, text) for text in texts]
        size = min(self.cfg.batch_size, len(rows))
        return [
            pad_right(rows[first : first + size], self.tok.pad_token_id, self.model.device)
            for first in range(0, len(rows), size)
        ]

    def save(self, folder: Path) -> None:
        """Write the adapter (peft's JSON and safetensors), or all weights and the tokenizer."""
        self.model.save_pretrained(str(folder))
        if self.cfg.adapter == "none":
            self.tok.save_pretrained(str(folder))


def _with_lora(model: PreTrainedModel, cfg: EditConfig) -> PreTrainedModel:
    """Wrap a model with LoRA modules; what peft gives back behaves like the model."""
    import torch
    from peft import LoraConfig, get_peft_model

    linear = {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    missing = [target for target in cfg.target_modules if target not in linear]
    if missing:
        raise UserError(
            f"the model has no {', '.join(missing)} to adapt",
            f"choose among {', '.join(sorted(linear))}",
        )
    config = LoraConfig(
        r=cfg.rank,
        lora_alpha=cfg.alpha,
        lora_dropout=cfg.dropout,
        target_modules=cfg.target_modules,
        bias="none",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def answer_loss(model: PreTrainedModel, batch: Batch) -> Float[torch.Tensor, ""]:
    """Mean loss of the labelled tokens in nats; logits are computed at their places alone."""
    import torch

    labels = batch.labels[:, 1:]
    labelled = (labels != IGNORED).any(0).nonzero()[:, 0]
    logits = model(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        use_cache=False,
        logits_to_keep=labelled,
    ).logits
    return torch.nn.functional.cross_entropy(
        logits.float().flatten(0, 1), labels[:, labelled].flatten(), ignore_index=IGNORED
    )


def pad_right(rows: Sequence[tuple[list[int], list[int]]], pad: int, device: torch.device) -> Batch:
    """Pad token ids and labels to one width, on the right as training wants it."""
    import torch

    width = max(len(ids) for ids, _ in rows)
    ids = [row + [pad] * (width - len(row)) for row, _ in rows]
    labels = [row + [IGNORED] * (width - len(row)) for _, row in rows]
    mask = [[1] * len(row) + [0] * (width - len(row)) for row, _ in rows]
    return Batch(
        torch.tensor(ids, device=device),
        torch.tensor(labels, device=device),
        torch.tensor(mask, device=device),
    )
