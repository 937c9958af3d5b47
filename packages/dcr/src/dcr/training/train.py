"""Supervised fine-tuning with LoRA: a folder with an adapter, a log, and on request one model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.models.identity import identity_as_loaded
from tenpapers.models.loading import CausalLM, load_causal_lm
from tenpapers.models.training import progress_bar
from tenpapers.records import read_json, write_json, write_jsonl

from .rows import Example, Tokens, encode_examples, read_examples, split_off
from .settings import Kind, TrainSettings

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase
    from trl import SFTTrainer

ADAPTER, MERGED, LOG, STATE = "adapter", "merged", "train_log.jsonl", "train_state.json"
CHECKPOINTS = "checkpoints"
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj")
# Of a 32-bit AdamW whose states leave the GPU when it is full.
PAGED = "paged_adamw_32bit"
Fields = dict[str, Any]


def train(
    kind: Kind,
    settings: TrainSettings,
    out: Path,
    *,
    overwrite: bool = False,
    wait: bool = False,
) -> Fields:
    """Fine-tune a critic or a refiner into a folder; a killed run goes on from its checkpoint.

    `adapter/` is a LoRA folder of peft that `hf:` and `vllm:` specs take by its path, `merged/` the
    whole model where `--merge` asks for it, train_log.jsonl one line an evaluation or log step.

    Returns
    -------
    What train_state.json holds: counts of rows, losses in nats a completion token, base.

    Raises
    ------
    UserError : no row that fits, a base without the four projections, libraries that are missing;
        `out` holds a run of other settings, rows or base.
    """
    _check_libraries()
    row_type = settings.row_type(kind)
    kept, held = _examples(settings, row_type)
    known = identity_as_loaded(settings.base, dtype=settings.dtype, device=settings.device)
    with Journal(
        out,
        key=key_of(f"dcr train {kind}", settings, base=known_by(settings.base, known)),
        inputs=files_of(settings),
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        journal.claim(LOG, STATE)
        if journal.done("train") and journal.has_folder(ADAPTER):
            state: Fields = read_json(journal.root / STATE)
        else:
            state = _trained(journal, settings, row_type, kept, held)
        if settings.merge and not journal.has_folder(MERGED):
            with journal.folder(MERGED) as folder:
                merge(settings, journal.root / ADAPTER, folder)
    return state


def _check_libraries() -> None:
    try:
        import datasets  # noqa: F401
        import peft  # noqa: F401
        import trl  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"training needs {error.name}", "pip install './packages/dcr[train]'"
        ) from None


def _examples(settings: TrainSettings, row_type: str) -> tuple[list[Example], list[Example]]:
    """Rows to train on and rows to stop by."""
    examples = read_examples(settings.train, row_type, limit=settings.limit)
    if settings.dev is not None:
        return examples, read_examples(settings.dev, row_type)
    return split_off(examples, settings.dev_share, settings.seed)


def _trained(
    journal: Journal,
    settings: TrainSettings,
    row_type: str,
    kept: Sequence[Example],
    held: Sequence[Example],
) -> Fields:
    lm = load_causal_lm(settings.base, dtype=settings.dtype, device=settings.device)
    lm.tokenizer.padding_side = "right"
    rows = encode_examples(lm.tokenizer, kept, settings.max_tokens)
    dev = encode_examples(lm.tokenizer, held, settings.max_tokens)
    if not rows.rows:
        raise UserError(
            f"{settings.train}: no row of {row_type} has fewer than {settings.max_tokens} tokens",
            f"{rows.too_long} were left out; --max-tokens N",
        )
    work = journal.workspace(CHECKPOINTS)
    trainer = make_trainer(lm, settings, rows.rows, dev.rows, work)
    with _quiet():
        trainer.train(resume_from_checkpoint=_last_whole(work))
        final = trainer.evaluate() if dev.rows else {}
    history: list[Fields] = list(trainer.state.log_history)
    losses = [entry["loss"] for entry in history if "loss" in entry]
    state: Fields = {
        "type": row_type,
        "base": lm.name,
        "base_weights": lm.weights,
        "train_rows": len(rows.rows),
        "train_rows_too_long": rows.too_long,
        "dev_rows": len(dev.rows),
        "dev_rows_too_long": dev.too_long,
        "trained_tokens": sum(_learnt(row) for row in rows.rows),
        "updates": trainer.state.global_step,
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
        "dev_loss": final.get("eval_loss"),
        "best_checkpoint": Path(trainer.state.best_model_checkpoint or "").name or None,
    }
    with journal.folder(ADAPTER) as folder:
        save_adapter(trainer.model, lm, folder)
    write_jsonl(journal.root / LOG, history)
    write_json(journal.root / STATE, state)
    journal.drop(CHECKPOINTS)
    journal.finish("train")
    return state


def _learnt(row: Tokens) -> int:
    return sum(label >= 0 for label in row.labels)


def make_trainer(
    lm: CausalLM,
    settings: TrainSettings,
    rows: Sequence[Tokens],
    dev: Sequence[Tokens],
    work: Path,
) -> SFTTrainer:
    """TRL's trainer over rows that are encoded already, with LoRA on the four projections.

    The loss is the mean over the completion's tokens of -log p, in nats.

    Parameters
    ----------
    work : folder of its checkpoints.
    """
    from transformers import EarlyStoppingCallback
    from transformers.trainer_callback import PrinterCallback
    from trl import SFTTrainer

    lm.tokenizer.pad_token = pad_token(lm.tokenizer)
    with _quiet():
        trainer = SFTTrainer(
            model=lm.model,
            args=_arguments(lm, settings, work, with_dev=bool(dev)),
            train_dataset=_dataset(rows),
            eval_dataset=_dataset(dev) if dev else None,
            processing_class=lm.tokenizer,
            peft_config=_lora(lm, settings),
            callbacks=[EarlyStoppingCallback(settings.patience)] if dev else [],
        )
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(progress_bar("train"))
    return trainer


def _dataset(rows: Sequence[Tokens]) -> Dataset:
    from datasets import Dataset

    return Dataset.from_list([row._asdict() for row in rows])


def _lora(lm: CausalLM, settings: TrainSettings) -> Any:
    from peft import LoraConfig

    names = [name for name, _ in lm.model.named_modules()]
    if not all(any(name.endswith(f".{part}") for name in names) for part in PROJECTIONS):
        raise UserError(f"{lm.name}: has no {', '.join(PROJECTIONS)}", "another --base")
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        bias="none",
        target_modules=list(PROJECTIONS),
    )


def _arguments(lm: CausalLM, settings: TrainSettings, work: Path, *, with_dev: bool) -> Any:
    from trl import SFTConfig

    on_gpu = lm.model.device.type == "cuda"
    often: Mapping[str, Any] = {"save_strategy": "steps", "save_steps": settings.eval_every}
    if with_dev:
        often = {
            **often,
            "eval_strategy": "steps",
            "eval_steps": settings.eval_every,
            "load_best_model_at_end": True,
            "metric_for_best_model": "eval_loss",
            "greater_is_better": False,
        }
    return SFTConfig(
        output_dir=str(work),
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        per_device_train_batch_size=settings.batch,
        per_device_eval_batch_size=settings.batch,
        gradient_accumulation_steps=settings.accumulation,
        num_train_epochs=settings.epochs,
        learning_rate=settings.lr,
        lr_scheduler_type="linear",
        warmup_steps=min(settings.warmup, 1 - 1e-9),  # below 1 it is a share
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.clip,
        optim=PAGED if on_gpu and _has_paged() else "adamw_torch",
        train_sampling_strategy="group_by_length",
        gradient_checkpointing=settings.gradient_checkpointing,
        bf16=False,
        fp16=False,
        use_cpu=not on_gpu,
        seed=settings.seed,
        data_seed=settings.seed,
        logging_steps=min(settings.eval_every, 10),
        logging_first_step=True,
        save_total_limit=2,
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=on_gpu,
        **often,
    )


def _has_paged() -> bool:
    from importlib.util import find_spec

    return find_spec("bitsandbytes") is not None


def pad_token(tokenizer: PreTrainedTokenizerBase) -> str:
    """A token to pad with that is there already and ends nothing: no new row of the embeddings.

    Padded places have no attention and no label, so which one it is changes no number; but an EOS
    that stands for padding is one that a collator may leave unlearnt.
    """
    vocabulary = tokenizer.get_vocab()
    own = str(tokenizer.pad_token) if tokenizer.pad_token else None
    known = [own, "<|finetune_right_pad_id|>", "<|reserved_special_token_0|>", tokenizer.unk_token]
    for token in known:
        if token and token in vocabulary and token != tokenizer.eos_token:
            return str(token)
    return str(own or tokenizer.eos_token)


def save_adapter(model: PeftModel, lm: CausalLM, folder: Path) -> None:
    """Write peft's folder; it names its base so that it is found again from any folder."""
    model.save_pretrained(str(folder))
    file = folder / "adapter_config.json"
    config = read_json(file)
    here = Path(lm.name)
    config["base_model_name_or_path"] = str(here.resolve()) if here.is_dir() else lm.name
    write_json(file, config)


def merge(settings: TrainSettings, adapter: Path, folder: Path) -> None:
    """Write base and adapter as one model, with its tokenizer."""
    from peft import PeftModel

    lm = load_causal_lm(settings.base, dtype=settings.dtype, device=settings.device)
    merged = PeftModel.from_pretrained(lm.model, str(adapter)).merge_and_unload()
    merged.save_pretrained(str(folder))
    lm.tokenizer.save_pretrained(str(folder))


def _last_whole(work: Path) -> str | None:
    """The last checkpoint whose state was written, which comes after everything else in it."""
    whole = [file.parent for file in work.glob("checkpoint-*/trainer_state.json")]
    newest = max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]), default=None)
    return str(newest) if newest else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Progress bars of data sets stay off; ours is on standard error."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
