"""Attention-only fine-tuning at an extended context."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.models import CausalLM, HeadGeometry
from tenpapers.models.training import progress_bar
from tenpapers.records import write_json

from ..inputs.token_spans import encode_prompt, encode_target
from ..records import Example
from .adapter_folder import ATTENTION, LORA, STATE, read_state
from .context_extension import chosen_theta, extend_context
from .settings import TrainConfig

if TYPE_CHECKING:
    from jaxtyping import Int
    from peft import PeftModel
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainingArguments

CHECKPOINTS = "checkpoints"
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj")
_ATTENTION_NAME = re.compile(rf"\.({'|'.join(PROJECTIONS)})\.")


def training_rows(
    examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, context: int
) -> list[dict[str, list[int]]]:
    """Ids and labels; only the target and the end of sequence are learned (-100 elsewhere).

    Raises
    ------
    UserError : an example that is longer than the context.
    """
    rows = []
    for example in examples:
        prompt, _ = encode_prompt(tokenizer, example.prompt)
        answer = [*encode_target(tokenizer, example.target), tokenizer.eos_token_id]
        if len(prompt) + len(answer) > context:
            raise UserError(
                f"{example.id}: {len(prompt) + len(answer)} tokens, --context-tokens is {context}",
                "raise it, or build the data for this context",
            )
        rows.append({"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer})
    return rows


def attention_only(lm: CausalLM, config: TrainConfig) -> tuple[PreTrainedModel | PeftModel, int]:
    """The model with nothing trainable but its attention projections, and the count of numbers.

    Raises
    ------
    UserError : the model has other names for the four projections.
    """
    names = [name for name, _ in lm.model.named_parameters()]
    if not all(any(f".{part}." in name for name in names) for part in PROJECTIONS):
        raise UserError(f"{lm.name}: has no {', '.join(PROJECTIONS)}")
    if config.no_lora:
        model = lm.model
        for name, weight in model.named_parameters():
            weight.requires_grad_(bool(_ATTENTION_NAME.search(name)))
            if weight.requires_grad:  # small steps get lost in bfloat16
                weight.data = weight.data.float()
    else:
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(
            lm.model,
            LoraConfig(
                r=config.lora_r,
                lora_alpha=config.lora_alpha,
                lora_dropout=config.lora_dropout,
                target_modules=list(PROJECTIONS),
                task_type="CAUSAL_LM",
            ),
        )
    trained = {name: w.numel() for name, w in model.named_parameters() if w.requires_grad}
    strange = [name for name in trained if not _ATTENTION_NAME.search(name)]
    assert not strange, f"trainable outside attention: {strange[:3]}"
    return model, sum(trained.values())


class _Collator:
    """Pads ids and labels on the right."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(
        self, rows: Sequence[dict[str, list[int]]]
    ) -> dict[str, Int[Tensor, "batch tokens"]]:
        import torch

        width = max(len(row["input_ids"]) for row in rows)

        def padded(name: str, filler: int) -> Int[Tensor, "batch tokens"]:
            return torch.tensor([row[name] + [filler] * (width - len(row[name])) for row in rows])

        lengths = torch.tensor([len(row["input_ids"]) for row in rows])
        return {
            "input_ids": padded("input_ids", self.pad),
            "labels": padded("labels", -100),
            "attention_mask": (torch.arange(width) < lengths[:, None]).long(),
        }


def _arguments(lm: CausalLM, config: TrainConfig, work: Path) -> TrainingArguments:
    """Settings as transformers' Trainer takes them; `work` is for its checkpoints."""
    from transformers import TrainingArguments

    on_gpu = lm.model.device.type == "cuda"
    return TrainingArguments(
        output_dir=str(work),
        per_device_train_batch_size=min(config.micro_batch, config.batch_size),
        gradient_accumulation_steps=max(1, config.batch_size // config.micro_batch),
        num_train_epochs=config.epochs,
        learning_rate=config.lr,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": config.min_lr},
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        max_grad_norm=config.clip,
        adam_beta1=0.9,
        adam_beta2=0.999,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        gradient_checkpointing=config.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        seed=config.seed,
        logging_steps=1,
        save_strategy="steps",
        save_steps=50,
        save_total_limit=1,
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=on_gpu,
        remove_unused_columns=False,
        label_names=["labels"],
    )


def train(
    lm: CausalLM,
    examples: Sequence[Example],
    out: Path,
    config: TrainConfig,
    *,
    data_sha256: str = "",
    progress: bool = True,
) -> dict[str, Any]:
    """Tune the attention of a model on examples; writes the adapter and `train_state.json`.

    The weights of `lm` are extended and wrapped in place. A killed run goes on from its last
    checkpoint in `out`.

    Returns
    -------
    What `train_state.json` holds: base, theta, context, trainable numbers, losses (nats).
    """
    import shutil

    import torch
    from transformers import Trainer, set_seed
    from transformers.trainer_callback import PrinterCallback

    shape = HeadGeometry.from_config(lm.model.config)
    theta = chosen_theta(
        lm.model.config,
        config.rope,
        config.context_tokens,
        native_context=config.native_context,
        native_theta=config.native_theta,
    )
    if config.rope == "none" and config.context_tokens > lm.context:
        raise UserError(
            f"--context-tokens {config.context_tokens}: the model reads {lm.context}",
            "--rope ntk extends it",
        )
    extend_context(lm.model, config.context_tokens, theta)
    rows = training_rows(examples, lm.tokenizer, config.context_tokens)
    set_seed(config.seed)
    model, trainable = attention_only(lm, config)
    if config.gradient_checkpointing:
        model.enable_input_require_grads()
    work = out / CHECKPOINTS
    trainer = Trainer(
        model=model,
        args=_arguments(lm, config, work),
        train_dataset=rows,
        data_collator=_Collator(lm.tokenizer.pad_token_id),
    )
    trainer.remove_callback(PrinterCallback)
    if progress:
        trainer.add_callback(progress_bar(f"train, {out.name}"))
    trainer.train(resume_from_checkpoint=_last_whole(work))
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    state = {
        "base": lm.name,
        "base_weights": lm.weights,
        "layers": shape.n_layers,
        "hidden_size": shape.hidden_size,
        "theta": theta,
        "context_tokens": config.context_tokens,
        "trainable": trainable,
        "n_train": len(rows),
        "data_sha256": data_sha256,
        "config": asdict(config),
        "losses": losses,
    }
    if not trainer.is_world_process_zero():
        return state
    out.mkdir(parents=True, exist_ok=True)
    if config.no_lora:
        from safetensors.torch import save_file

        tuned = {n: w.detach().contiguous() for n, w in model.named_parameters() if w.requires_grad}
        save_file(tuned, out / ATTENTION)
    else:
        model.save_pretrained(str(out))
    write_json(out / STATE, state)
    shutil.rmtree(work, ignore_errors=True)
    model.eval()
    torch.set_grad_enabled(True)
    return state


def _last_whole(work: Path) -> str | None:
    """The last checkpoint whose state was written, which comes after everything else in it."""
    whole = [file.parent for file in work.glob("checkpoint-*/trainer_state.json")]
    newest = max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]), default=None)
    return str(newest) if newest else None


def train_into(
    journal: Journal,
    folder: str,
    load: Callable[[], CausalLM],
    examples: Sequence[Example],
    config: TrainConfig,
    *,
    data_sha256: str = "",
) -> dict[str, Any]:
    """Train into a folder of a run, once; what an earlier run finished is read.

    Of several processes all train, since the others do not know what the first one's journal says.

    Parameters
    ----------
    folder : below the run's.
    load : gives the base, see `train`.
    """
    out, stage = journal.root / folder, f"train {folder}"
    if journal.done(stage) and os.environ.get("WORLD_SIZE", "1") == "1":
        return read_state(out)
    weights = (ATTENTION,) if config.no_lora else LORA
    for name in (*weights, STATE):
        journal.file(str(Path(folder, name)))
    work = str(Path(folder, CHECKPOINTS))
    journal.workspace(work)
    state = train(load(), examples, out, config, data_sha256=data_sha256)
    journal.drop(work)
    journal.finish(stage)
    return state
