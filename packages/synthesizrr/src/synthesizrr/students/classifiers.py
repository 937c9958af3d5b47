"""Text classifiers: fine-tuned encoders, and a linear probe on a frozen one."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from tenpapers.errors import UserError
from tenpapers.models.training import progress_bar

# What a configuration may call its dropout; the recipes use none (spec 3.10).
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
    """A student and its recipe (spec 3.10). AdamW, linear decay after a warm-up, no clipping.

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


def student_spec(name: str, **changes: Any) -> StudentSpec:
    """A recipe by name, or BERT's for any other encoder: `hf:ID`, `hf:FOLDER`, `probe:ENCODER`.

    Raises
    ------
    UserError : unknown name.
    """
    known = {key: value for key, value in changes.items() if value is not None}
    kind, _, model = name.partition(":")
    if name in STUDENTS:
        return replace(STUDENTS[name], **known)
    if model and kind in ("hf", "probe"):
        spec = StudentSpec(name, model, probe=kind == "probe")
        return replace(spec, **known)
    raise UserError(f"student {name}: unknown", f"hf:ID, probe:ENCODER, {', '.join(STUDENTS)}")


class Classifier(Protocol):
    """What a fitted classifier offers."""

    labels: list[str]

    def probs(self, texts: Sequence[str]) -> np.ndarray:
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
    on_epoch: EpochEnd | None = None,
    progress: str | None = None,
) -> Classifier:
    """Fit a classifier; the last state is kept, no selection.

    Parameters
    ----------
    names : the labels in order; by default those that occur, sorted.
    on_epoch : called after each epoch with its number from 1 and the classifier as it is.

    Raises
    ------
    UserError : fewer than two labels; the encoder cannot be loaded.
    """
    names = list(names or sorted(set(labels)))
    if len(set(labels)) < 2:
        raise UserError("a student needs rows of at least 2 labels", f"only {labels[0]!r} is here")
    if spec.probe:
        if on_epoch is not None:
            raise UserError("a probe has no epochs", "choose a student that is fine-tuned")
        return Probe.fit(texts, labels, spec, seed, names)
    return Encoder.fit(texts, labels, spec, seed, names, on_epoch, progress)


class Probe:
    """Logistic regression on the vectors of a frozen encoder."""

    def __init__(self, regression: Any, vectors: Any, names: list[str]) -> None:
        self.regression, self.vectors, self.labels = regression, vectors, names

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Sequence[str],
        spec: StudentSpec,
        seed: int,
        names: list[str],
    ) -> "Probe":
        """Fit on a bootstrap sample of the rows: its spread over the seeds is that of the rows.

        The regression itself has one optimum, so a seed would change nothing otherwise.
        """
        from sklearn.linear_model import LogisticRegression

        vectors = frozen_vectors(spec.model)
        rng = np.random.default_rng(seed)
        numbers = np.array([names.index(label) for label in labels])
        rows = np.concatenate(
            [
                rng.choice(np.flatnonzero(numbers == number), size=int((numbers == number).sum()))
                for number in np.unique(numbers)
            ]
        )
        regression = LogisticRegression(max_iter=1000, C=10.0)
        regression.fit(vectors(list(texts))[rows], numbers[rows])
        return cls(regression, vectors, names)

    def probs(self, texts: Sequence[str]) -> np.ndarray:
        """Probability of every label, float32 [N, C]."""
        found = self.regression.predict_proba(self.vectors(list(texts)))
        out = np.zeros((len(texts), len(self.labels)), dtype=np.float32)
        out[:, self.regression.classes_] = found
        return out


_VECTORS: dict[str, Any] = {}


def frozen_vectors(encoder: str) -> Any:
    """Vectors of texts, computed once a text and process (the test set serves every run)."""
    from ..scoring.mauve import Features

    return _VECTORS.setdefault(encoder, Features(encoder))


class Encoder:
    """A transformers sequence classifier."""

    def __init__(self, model: Any, tokenizer: Any, names: list[str], max_length: int) -> None:
        self.model, self.tokenizer, self.labels = model, tokenizer, names
        self.max_length = max_length

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Sequence[str],
        spec: StudentSpec,
        seed: int,
        names: list[str],
        on_epoch: EpochEnd | None,
        progress: str | None,
    ) -> "Encoder":
        """Fine-tune with transformers' Trainer; batches of like lengths, padded to the longest."""
        import torch
        from transformers import (
            DataCollatorWithPadding,
            Trainer,
            TrainerCallback,
            TrainingArguments,
            set_seed,
        )
        from transformers.trainer_callback import PrinterCallback

        set_seed(seed)
        model, tokenizer = _load(spec.model, len(names))
        fitted = cls(model, tokenizer, names, spec.max_length)
        rows = [
            {"input_ids": ids, "labels": names.index(label)}
            for ids, label in zip(fitted.coded(texts), labels, strict=True)
        ]
        on_gpu = torch.cuda.is_available()

        class Epochs(TrainerCallback):  # type: ignore[misc]
            def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
                if on_epoch is not None:
                    on_epoch(round(state.epoch), fitted)
                    model.train()

        with tempfile.TemporaryDirectory() as scratch:
            arguments = TrainingArguments(
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
            trainer = Trainer(
                model=model,
                args=arguments,
                train_dataset=rows,
                callbacks=[Epochs()],
                data_collator=DataCollatorWithPadding(tokenizer),
            )
            trainer.remove_callback(PrinterCallback)
            if progress:
                trainer.add_callback(progress_bar(progress))
            trainer.train()
        model.eval()
        return fitted

    def coded(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts, cut to the longest that the student reads."""
        return self.tokenizer(list(texts), truncation=True, max_length=self.max_length)["input_ids"]

    def probs(self, texts: Sequence[str]) -> np.ndarray:
        """Probability of every label, float32 [N, C]."""
        import torch

        self.model.eval()
        coded = self.coded(texts)
        out = np.empty((len(coded), len(self.labels)), dtype=np.float32)
        order = sorted(range(len(coded)), key=lambda place: -len(coded[place]))
        with torch.inference_mode():
            while order:
                size = max(1, EVAL_TOKENS // max(1, len(coded[order[0]])))
                places, order = order[:size], order[size:]
                batch = self.tokenizer.pad(
                    {"input_ids": [coded[place] for place in places]}, return_tensors="pt"
                ).to(self.model.device)
                logits = self.model(**batch).logits.float()
                out[places] = logits.softmax(-1).cpu().numpy()
        return out

    def save(self, folder: Any) -> None:
        """Write a checkpoint that transformers loads, label names in its configuration."""
        self.model.config.id2label = dict(enumerate(self.labels))
        self.model.config.label2id = {name: number for number, name in enumerate(self.labels)}
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def _load(name: str, n_labels: int) -> tuple[Any, Any]:
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
            f"student {name}: cannot be loaded: {str(error).strip().splitlines()[0]}",
            "without network: minilm, probe, or hf:FOLDER",
        ) from None
    finally:
        logging.set_verbosity(verbosity)
    return model, tokenizer
