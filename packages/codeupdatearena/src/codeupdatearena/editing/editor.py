"""Single-edit fine-tuning: one adapter for each test example (section 3.7)."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tenpapers.errors import UserError
from tenpapers.models import CausalLM

from ..records import ProgSynExample
from ..sampling.prompts import answer_start, render

Arm = Literal["ft-u", "ft-ps", "ft-ups"]
ARMS: tuple[Arm, ...] = ("ft-u", "ft-ps", "ft-ups")


@dataclass(frozen=True)
class EditConfig:
    """Settings of an edit; the defaults are the paper's (table of section 3.7).

    Parameters
    ----------
    rank, alpha, dropout : of LoRA, on `targets` in all layers.
    learning_rate, weight_decay : of AdamW, constant schedule.
    epochs_times_texts : passes over n texts are this number // n, so 10 means 10 steps of 1 text.
    batch_size : cut to the number of texts.
    seed : of the adapter's first weights and of dropout.
    adapter : "none" trains every weight (the early configuration of FT(U)).
    """

    rank: int = 8
    alpha: int = 1
    dropout: float = 0.1
    targets: tuple[str, ...] = ("q_proj", "v_proj")
    learning_rate: float = 1e-3
    weight_decay: float = 1e-8
    epochs_times_texts: int = 10
    batch_size: int = 8
    seed: int = 42
    adapter: Literal["lora", "none"] = "lora"


@dataclass(frozen=True)
class TrainingText:
    """A text and the character from which on its tokens count in the loss."""

    text: str
    start: int = 0


@dataclass
class AdapterHandle:
    """What one edit did: loss of every optimiser step (nats a token), tokens seen, seconds."""

    losses: list[float] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0


def training_examples(group: Sequence[ProgSynExample], index: int) -> list[ProgSynExample]:
    """Pick the two examples before `index` in cyclic order: never the tested one itself.

    For four examples: 0 trains on (2, 3), 1 on (0, 3), 2 on (0, 1), 3 on (1, 2).

    Raises
    ------
    UserError : the update has fewer than three examples.
    """
    n = len(group)
    if n < 3:
        raise UserError(f"{group[0].update.update_id}: {n} examples, an edit needs three")
    return [group[i] for i in sorted({(index - 2) % n, (index - 1) % n})]


def training_texts(
    arm: Arm,
    group: Sequence[ProgSynExample],
    index: int,
    *,
    demo: ProgSynExample | None,
    show_test: bool = True,
    folder: Path | None = None,
) -> list[TrainingText]:
    """Make the texts on which an arm is trained for the test example `group[index]`."""
    if arm == "ft-u":
        return [TrainingText(render(group[index], None, True, False, False, folder=folder))]
    texts = []
    for example in training_examples(group, index):
        text = render(
            example, demo, arm == "ft-ups", True, True, show_test=show_test, folder=folder
        )
        texts.append(TrainingText(text, answer_start(text, example)))
    return texts


def tokenise(lm: CausalLM, text: TrainingText) -> tuple[list[int], list[int]]:
    """Give token ids and labels; labels before the answer are -100 (no loss).

    Raises
    ------
    UserError : the text is longer than the model's context.
    """
    made = lm.tokenizer(text.text, return_offsets_mapping=True)
    ids = list(made["input_ids"])
    if len(ids) > lm.context:
        raise UserError(f"training text of {len(ids)} tokens, the context is {lm.context}")
    labels = [
        token if begin >= text.start or end > text.start else -100
        for token, (begin, end) in zip(ids, made["offset_mapping"], strict=True)
    ]
    return ids, labels


class Editor:
    """Edits one model again and again: the adapter is reset in place, the weights never reload.

    Parameters
    ----------
    model : transformers causal LM.
    tok : its tokenizer.
    cfg : settings.

    Raises
    ------
    UserError : the model has none of the target modules.
    """

    def __init__(self, model: Any, tok: Any, cfg: EditConfig | None = None) -> None:
        self.cfg = cfg or EditConfig()
        self.tok = tok
        self._initial: dict[str, Any] = {}
        if self.cfg.adapter == "none":
            self.model = model
            self._initial = {k: v.detach().clone() for k, v in model.state_dict().items()}
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
        import math

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

        cfg, device = self.cfg, self.model.device
        epochs = cfg.epochs_times_texts // len(texts) if texts else 0
        if epochs < 1:
            raise UserError(f"{len(texts)} training texts leave no epoch to train")
        self.reset()
        lm = CausalLM(self.model, self.tok, "", "")
        rows = [tokenise(lm, text) for text in texts]
        size = min(cfg.batch_size, len(rows))
        batches = [
            _pad(rows[i : i + size], self.tok.pad_token_id, device)
            for i in range(0, len(rows), size)
        ]
        optimiser = torch.optim.AdamW(
            self._trained, lr=cfg.learning_rate, weight_decay=cfg.weight_decay
        )
        handle, began = AdapterHandle(), time.monotonic()
        # Dropout draws from the global generator: fork it, so that an edit leaves no trace there.
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(cfg.seed)
            self.model.train()
            for _ in range(epochs):
                for batch in batches:
                    loss = _loss(self.model, batch)
                    loss.backward()
                    optimiser.step()
                    optimiser.zero_grad(set_to_none=True)
                    handle.losses.append(float(loss.detach()))
                    handle.tokens += int(batch["attention_mask"].sum())
        self.model.eval()
        handle.seconds = time.monotonic() - began
        return handle

    def save(self, folder: Path) -> None:
        """Write the adapter (peft's JSON and safetensors), or all weights and the tokenizer."""
        self.model.save_pretrained(str(folder))
        if self.cfg.adapter == "none":
            self.tok.save_pretrained(str(folder))


def _with_lora(model: Any, cfg: EditConfig) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model

    linear = {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    missing = [target for target in cfg.targets if target not in linear]
    if missing:
        raise UserError(
            f"the model has no {', '.join(missing)} to adapt",
            f"choose among {', '.join(sorted(linear))}",
        )
    config = LoraConfig(
        r=cfg.rank,
        lora_alpha=cfg.alpha,
        lora_dropout=cfg.dropout,
        target_modules=list(cfg.targets),
        bias="none",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def _loss(model: Any, batch: dict[str, Any]) -> Any:
    """Mean loss of the labelled tokens; logits are computed at their places alone."""
    import torch

    labels = batch["labels"][:, 1:]
    places = (labels != -100).any(0).nonzero()[:, 0]
    logits = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        use_cache=False,
        logits_to_keep=places,
    ).logits
    return torch.nn.functional.cross_entropy(
        logits.float().flatten(0, 1), labels[:, places].flatten(), ignore_index=-100
    )


def _pad(rows: Sequence[tuple[list[int], list[int]]], pad: int, device: Any) -> dict[str, Any]:
    """Pad on the right (training), labels -100 and mask 0 on the padding."""
    import torch

    width = max(len(ids) for ids, _ in rows)
    ids = [row + [pad] * (width - len(row)) for row, _ in rows]
    labels = [row + [-100] * (width - len(row)) for _, row in rows]
    mask = [[1] * len(row) + [0] * (width - len(row)) for row, _ in rows]
    return {
        "input_ids": torch.tensor(ids, device=device),
        "labels": torch.tensor(labels, device=device),
        "attention_mask": torch.tensor(mask, device=device),
    }


def random_target(
    update_id: str,
    groups: dict[str, list[ProgSynExample]],
    mapping: dict[str, str],
    rng: Any,
) -> tuple[str, bool]:
    """Find the other update whose training set a random-FT edit takes.

    Parameters
    ----------
    mapping : the paper's fixed map (`random_update_map.json`), may name absent updates.
    rng : numpy Generator for the replacement.

    Returns
    -------
    The update's id, and whether it had to be drawn because the map's own is not loaded.
    """
    target = mapping.get(update_id)
    if target in groups and target != update_id:
        return str(target), False
    own = groups[update_id][0].update.function_path
    others = [name for name, group in groups.items() if group[0].update.function_path != own]
    if not others:
        raise UserError(f"{update_id}: no update of another function to draw at random")
    return str(others[int(rng.integers(len(others)))]), True
