"""Text classifiers: fine-tuned encoders, and a linear probe on a frozen one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from tenpapers.errors import UserError, first_line
from tenpapers.models.training import progress_bar

from .features import Features, frozen_features

if TYPE_CHECKING:
    from jaxtyping import Float
    from sklearn.linear_model import LogisticRegression
    from transformers import (
        PreTrainedModel,
        PreTrainedTokenizerBase,
        TrainerCallback,
        TrainerControl,
        TrainerState,
        TrainingArguments,
    )

# What a configuration may call its dropout; the recipes use none.
DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
    "cls_dropout",
    "pooler_dropout",
    "dropout",
    "attention_dropout",
    "seq_classif_dropout",
)
EVAL_TOKENS = 16_384  # of one batch, padding included


@dataclass(frozen=True)
class StudentSpec:
    """A student and its recipe. AdamW, linear decay after a warm-up, no clipping.

    Parameters
    ----------
    name : of the recipe.
    model : encoder: embedded name, folder or hub id. For a probe the frozen encoder.
    lr : peak learning rate; `micro_batch` x `accumulation` is the effective batch.
    probe : logistic regression on the frozen encoder's vectors instead of fine-tuning.
    """

    name: str
    model: str
    lr: float = 5e-5
    micro_batch: int = 32
    accumulation: int = 1
    epochs: int = 6
    max_length: int = 512
    weight_decay: float = 1e-4
    adam_epsilon: float = 1e-6
    warmup: float = 0.06
    probe: bool = False


STUDENTS = {
    spec.name: spec
    for spec in (
        StudentSpec("tinybert", "huawei-noah/TinyBERT_General_4L_312D", lr=1e-4),
        StudentSpec("minilm", "minilm"),
        StudentSpec("distilbert", "distilbert-base-uncased"),
        StudentSpec("distilbert-attrprompt", "distilbert-base-uncased", lr=2e-5, epochs=5),
        StudentSpec("bert", "bert-base-uncased", micro_batch=8, accumulation=4),
        StudentSpec("deberta-v3-base", "microsoft/deberta-v3-base", micro_batch=4, accumulation=8),
        StudentSpec(
            "deberta-v3-large",
            "microsoft/deberta-v3-large",
            lr=2e-5,
            micro_batch=4,
            accumulation=8,
        ),
        StudentSpec("probe", "minilm", probe=True),
    )
}


def student_spec(
    name: str,
    *,
    lr: float | None = None,
    epochs: int | None = None,
    max_length: int | None = None,
) -> StudentSpec:
    """A recipe by name, or BERT's for any other encoder: `hf:ID`, `hf:FOLDER`, `probe:ENCODER`.

    Parameters
    ----------
    lr, epochs, max_length : instead of the recipe's.

    Raises
    ------
    UserError : unknown name.
    """
    kind, _, model = name.partition(":")
    if name in STUDENTS:
        spec = STUDENTS[name]
    elif model and kind in ("hf", "probe"):
        spec = StudentSpec(name, model, probe=kind == "probe")
    else:
        raise UserError(f"student {name}: unknown", f"hf:ID, probe:ENCODER, {', '.join(STUDENTS)}")
    changes: dict[str, Any] = {"lr": lr, "epochs": epochs, "max_length": max_length}
    return replace(spec, **{key: value for key, value in changes.items() if value is not None})


class Classifier(Protocol):
    """What a fitted classifier offers."""

    labels: list[str]

    def probs(self, texts: Sequence[str]) -> Float[np.ndarray, "n labels"]:
        """Probability of every label, float32 [N, C]."""
        ...


EpochEnd = Callable[[int, Classifier], None]


def fit(
    texts: Sequence[str],
    labels: Sequence[str],
    spec: StudentSpec,
    *,
    seed: int,
    names: Sequence[str] | None = None,
    resampled: bool = False,
    on_epoch: EpochEnd | None = None,
    progress: str | None = None,
) -> Classifier:
    """Fit a classifier; the last state is kept, no selection.

    Parameters
    ----------
    resampled : a probe is fitted on a bootstrap sample that the seed draws, not on all rows.
    names : the labels in order; by default those that occur, sorted.
    on_epoch : called after each epoch with its number from 1 and the classifier as it is.

    Raises
    ------
    UserError : fewer than two labels; the encoder cannot be loaded.
    """
    names = list(names or sorted(set(labels)))
    if len(set(labels)) < 2:
        raise UserError("a student needs rows of at least 2 labels", f"only {labels[0]!r} is here")
    targets = [names.index(label) for label in labels]
    if spec.probe:
        if on_epoch is not None:
            raise UserError("a probe has no epochs", "choose a student that is fine-tuned")
        return Probe.fit(texts, targets, spec, names, resample=seed if resampled else None)
    student = FineTuned.untrained(spec, names, seed=seed)
    student.train(texts, targets, spec, seed=seed, on_epoch=on_epoch, progress=progress)
    return student


class Probe:
    """Logistic regression on the vectors of a frozen encoder."""

    def __init__(
        self, regression: LogisticRegression, features: Features, labels: list[str]
    ) -> None:
        self.regression, self.features, self.labels = regression, features, labels

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        targets: Sequence[int],
        spec: StudentSpec,
        labels: list[str],
        *,
        resample: int | None = None,
    ) -> Probe:
        """Fit on all rows: the regression has one optimum, so that no seed changes it.

        Parameters
        ----------
        resample : seed of a bootstrap sample within each label, to be fitted on instead.
        """
        from sklearn.linear_model import LogisticRegression

        features = frozen_features(spec.model)
        numbers = np.array(targets)
        rows = np.arange(len(numbers))
        if resample is not None:
            rng = np.random.default_rng(resample)
            members = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
            rows = np.concatenate(
                [rng.choice(of_label, size=len(of_label)) for of_label in members]
            )
        regression = LogisticRegression(max_iter=1000, C=10.0)
        regression.fit(features(list(texts))[rows], numbers[rows])
        return cls(regression, features, labels)

    def probs(self, texts: Sequence[str]) -> Float[np.ndarray, "n labels"]:
        """Probability of every label, float32 [N, C]."""
        found = self.regression.predict_proba(self.features(list(texts)))
        out = np.zeros((len(texts), len(self.labels)), dtype=np.float32)
        out[:, self.regression.classes_] = found
        return out


class FineTuned:
    """A transformers sequence classifier."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        labels: list[str],
        max_length: int,
    ) -> None:
        self.model, self.tokenizer, self.labels = model, tokenizer, labels
        self.max_length = max_length

    @classmethod
    def untrained(cls, spec: StudentSpec, labels: list[str], *, seed: int) -> FineTuned:
        """The encoder with a new head, which the seed decides."""
        from transformers import set_seed

        set_seed(seed)
        model, tokenizer = _load(spec.model, len(labels))
        return cls(model, tokenizer, labels, spec.max_length)

    def train(
        self,
        texts: Sequence[str],
        targets: Sequence[int],
        spec: StudentSpec,
        *,
        seed: int,
        on_epoch: EpochEnd | None,
        progress: str | None,
    ) -> None:
        """Fine-tune with transformers' Trainer; batches of like lengths, padded to the longest."""
        from transformers import DataCollatorWithPadding, Trainer
        from transformers.trainer_callback import PrinterCallback

        rows = [
            {"input_ids": ids, "labels": target}
            for ids, target in zip(self.coded(texts), targets, strict=True)
        ]
        with tempfile.TemporaryDirectory() as scratch:
            trainer = Trainer(
                model=self.model,
                args=training_arguments(spec, scratch, seed),
                train_dataset=rows,  # type: ignore[arg-type]  # a list has length and items
                callbacks=[_epoch_callback(self, on_epoch)] if on_epoch else [],
                data_collator=DataCollatorWithPadding(self.tokenizer),
            )
            trainer.remove_callback(PrinterCallback)
            if progress:
                trainer.add_callback(progress_bar(progress))
            trainer.train()
        self.model.eval()

    def coded(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts, cut to the longest that the student reads."""
        found = self.tokenizer(list(texts), truncation=True, max_length=self.max_length)
        ids: list[list[int]] = found["input_ids"]
        return ids

    def probs(self, texts: Sequence[str]) -> Float[np.ndarray, "n labels"]:
        """Probability of every label, float32 [N, C]."""
        import torch

        self.model.eval()
        token_ids = self.coded(texts)
        out = np.empty((len(token_ids), len(self.labels)), dtype=np.float32)
        waiting = sorted(range(len(token_ids)), key=lambda index: -len(token_ids[index]))
        with torch.inference_mode():
            while waiting:
                size = max(1, EVAL_TOKENS // max(1, len(token_ids[waiting[0]])))
                chosen, waiting = waiting[:size], waiting[size:]
                batch = self.tokenizer.pad(
                    {"input_ids": [token_ids[index] for index in chosen]}, return_tensors="pt"
                ).to(self.model.device)
                logits = self.model(**batch).logits.float()
                out[chosen] = logits.softmax(-1).cpu().numpy()
        return out

    def save(self, folder: Path) -> None:
        """Write a checkpoint that transformers loads, label names in its configuration."""
        self.model.config.id2label = dict(enumerate(self.labels))
        self.model.config.label2id = {name: number for number, name in enumerate(self.labels)}
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def training_arguments(spec: StudentSpec, scratch: str, seed: int) -> TrainingArguments:
    """A recipe as transformers' Trainer takes it: linear decay, no clipping, nothing saved."""
    import torch
    from transformers import TrainingArguments

    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=scratch,
        per_device_train_batch_size=spec.micro_batch,
        gradient_accumulation_steps=spec.accumulation,
        num_train_epochs=spec.epochs,
        learning_rate=spec.lr,
        lr_scheduler_type="linear",
        warmup_steps=spec.warmup,
        weight_decay=spec.weight_decay,
        adam_epsilon=spec.adam_epsilon,
        max_grad_norm=0.0,
        train_sampling_strategy="group_by_length",
        bf16=on_gpu,
        use_cpu=not on_gpu,
        seed=seed,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=on_gpu,
    )


def _epoch_callback(student: FineTuned, on_epoch: EpochEnd) -> TrainerCallback:
    from transformers import TrainerCallback

    class Epochs(TrainerCallback):
        def on_epoch_end(
            self,
            args: TrainingArguments,
            state: TrainerState,
            control: TrainerControl,
            **more: object,
        ) -> None:
            on_epoch(round(state.epoch or 0), student)
            student.model.train()

    return Epochs()


def _load(name: str, n_labels: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A classifier with a new head and no dropout, float32."""
    import torch
    from tenpapers.models.loading import resolve_name
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # that the head is new is what we want
    path = resolve_name(name)
    try:
        config = AutoConfig.from_pretrained(path, num_labels=n_labels)
        for field in DROPOUTS:
            if getattr(config, field, None) is not None:
                setattr(config, field, 0.0)
        tokenizer = AutoTokenizer.from_pretrained(path)
        model = AutoModelForSequenceClassification.from_pretrained(
            path, config=config, dtype=torch.float32
        )
    except (OSError, ValueError) as error:
        raise UserError(
            f"student {name}: cannot be loaded: {first_line(error)}",
            "without network: minilm, probe, or hf:FOLDER",
        ) from None
    finally:
        logging.set_verbosity(verbosity)
    return model, tokenizer
