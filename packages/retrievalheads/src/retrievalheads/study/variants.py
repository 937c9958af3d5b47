"""The study's middle: data of every variant, one adapter each, its answers and its heads."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.models import CausalLM
from tenpapers.records import write_json, write_jsonl

from ..decoding.answers import Evaluation, evaluate, logged
from ..heads.detect import NothingToScoreError, detect
from ..heads.head_sets import THRESHOLD
from ..heads.overlap import compare, shared_score
from ..heads.score_files import HeadScores
from ..heads.write_scores import announce
from ..inputs.builders.build import SPLITS, build
from ..inputs.builders.settings import BuildConfig
from ..inputs.toy.examples import toy_examples
from ..records import SYNTHETIC, Example, Task, Variant, load_examples, without_nan
from ..training.attention_tuning import train_into
from ..training.context_extension import extend_context
from ..training.settings import TrainConfig
from ..training.tuned_model import load_base, load_model, put_on
from .runs import REAL, StudyRun
from .settings import Extra, Study, toy_checkpoint
from .verdicts import reference_failure

Splits = dict[str, list[Example]]
# Folder of the base whose context is extended, without any training.
EXTENDED = "base-extended"


@dataclass(frozen=True)
class TaskStudy:
    """One task of a study: its data by name of the training set, and where its runs lie.

    Parameters
    ----------
    journal : of the study's folder.
    kind : None is the toy world.
    seed : of the data and of every training.
    place : of the adapters in that folder; each lies in a folder of its own name.
    """

    study: Study
    journal: Journal
    kind: Task | None
    seed: int
    data: dict[str, Splits]
    place: str

    @property
    def folder(self) -> Path:
        """Where the adapters lie."""
        return self.journal.root / self.place

    @property
    def name(self) -> str:
        """Name of the task in tables and files."""
        return self.kind or "toy"

    @property
    def base(self) -> str:
        """Model spec that every adapter starts from."""
        return self.study.model if self.kind else f"hf:{toy_checkpoint()}"

    @property
    def base_name(self) -> str:
        """The base's name in tables and files."""
        return self.study.model if self.kind else "toy"

    @property
    def test(self) -> list[Example]:
        """The real test set."""
        return self.data[REAL]["test"]


def open_task(study: Study, kind: Task | None, seed: int, journal: Journal) -> TaskStudy:
    """Build (once) the data of every variant, equal sizes for all."""
    data: dict[str, Splits] = {}
    wanted: list[tuple[str, Variant, int, int]] = [
        (name, name, study.train.context_tokens, study.toy_facts) for name in study.variants
    ]
    if "real-short" in study.extras:
        wanted.append(("real-short", REAL, study.short_tokens, study.short_facts))
    for name, variant, context, facts in wanted:
        part = f"data/{kind or 'toy'}/seed{seed}/{name}"

        def place(file: str, part: str = part) -> Path:
            return journal.file(f"{part}/{file}")

        if not journal.done(part):
            if kind is None:
                _toy_data(study, variant, seed, place, context=context, facts=facts)
            else:
                config = _build_config(study, kind, variant, seed, context)
                build(config, journal.root / part, progress=True, place=place)
            journal.finish(part)
        folder = journal.root / part
        data[name] = {
            split: load_examples(folder / f"{split}.jsonl", limit=study.limit) for split in SPLITS
        }
    return TaskStudy(study, journal, kind, seed, data, f"runs/{kind or 'toy'}/seed{seed}")


def _build_config(
    study: Study, task: Task, variant: Variant, seed: int, context: int
) -> BuildConfig:
    if task not in study.sources:
        raise UserError(f"sources: no published file of {task}", f"{task}: FILE under `sources:`")
    return BuildConfig(
        task=task,
        variant=variant,
        source=study.sources[task],
        context_tokens=context,
        tokenizer=study.model,
        n=study.n_train,
        n_dev=study.n_dev,
        n_test=study.n_test,
        seed=seed,
        generator=study.generator,
    )


def _toy_data(
    study: Study,
    variant: Variant,
    seed: int,
    place: Callable[[str], Path],
    *,
    context: int,
    facts: int,
) -> None:
    sizes = dict(zip(SPLITS, (study.n_train, study.n_dev, study.n_test), strict=True))
    for split, count in sizes.items():
        examples = toy_examples(variant, split, count, context=context, facts=facts, seed=seed)
        write_jsonl(place(f"{split}.jsonl"), examples)
    write_json(place("manifest.json"), {"variant": variant, "counts": sizes})


@dataclass
class _Measured:
    """What is known of one model of the study."""

    name: str
    graded: Evaluation
    heads: HeadScores | None
    own: HeadScores | None = None
    n_train: int = 0
    seconds: float = 0.0


@dataclass
class _Runs:
    """Trains and measures, one model after the other; everything is done once."""

    task: TaskStudy
    done: dict[str, _Measured] = field(default_factory=dict)

    def measure(self, name: str, lm: CausalLM, folder: str) -> _Measured:
        """Answers on the real test set and heads on the real dev set; `folder` is the model's."""
        heads = scored(self.task, lm, self.task.data[REAL]["dev"], f"{folder}/heads.json")
        self.done[folder] = _Measured(name, _graded(self.task, lm, folder), heads)
        return self.done[folder]

    def tune(
        self, name: str, examples: Sequence[Example], config: TrainConfig, folder: str = ""
    ) -> CausalLM:
        """Train an adapter and measure it; it lies in `folder`, which is its name by default."""
        task, folder = self.task, folder or name
        began = time.monotonic()
        config = replace(config, seed=task.seed)
        place = f"{task.place}/{folder}"
        train_into(task.journal, place, lambda: load_base(task.base), examples, config)
        seconds = time.monotonic() - began
        lm = put_on(load_base(task.base), task.folder / folder)
        measured = self.measure(name, lm, folder)
        measured.seconds, measured.n_train = seconds, len(examples)
        return lm


def run_variants(task: TaskStudy) -> list[StudyRun]:
    """Train, evaluate on the real test set and detect, for every variant and the two bases."""
    study, runs = task.study, _Runs(task)
    for variant in study.variants:
        examples = task.data[variant]["train"]
        lm = runs.tune(variant, examples, study.train)
        own = task.data[variant]["dev"]
        runs.done[variant].own = scored(task, lm, own, f"{variant}/heads_own.json")
        for size in study.smaller if variant in SYNTHETIC else ():
            runs.tune(variant, examples[:size], study.train, f"{variant}-{size}")
    for extra in study.extras:
        config = replace(study.train, no_lora=True) if extra == "no-lora" else study.train
        runs.tune(extra, _extra_examples(extra, task, runs.done), config)
    for name, rope in (("base", "none"), ("base, theta'", study.train.rope)):
        lm = load_model(
            task.base,
            rope=rope,
            context=study.train.context_tokens,
            native_context=study.train.native_context,
            native_theta=study.train.native_theta,
        )
        # Without theta' too it reads beyond its positions, to show what that does.
        extend_context(lm.model, study.train.context_tokens, None)
        runs.measure(name, lm, EXTENDED if rope != "none" else name)
    made = {folder: _run(task, found, runs.done[REAL]) for folder, found in runs.done.items()}
    failure = reference_failure(made[REAL], made[EXTENDED], study.gate)
    made[REAL] = made[REAL].model_copy(update={"failed": failure})
    return list(made.values())


def _extra_examples(extra: Extra, task: TaskStudy, done: dict[str, _Measured]) -> list[Example]:
    """Training examples of a further baseline, as many as every variant has."""
    if extra == "real-short":
        return task.data["real-short"]["train"]
    if extra == "no-lora":
        return task.data[REAL]["train"]
    synthetic = [name for name in SYNTHETIC if name in done]
    best = max(synthetic, key=lambda name: float(done[name].graded.metrics["f1"]))
    limited, other = task.data["real-limited"]["train"], task.data[best]["train"]
    half = len(limited) // 2
    return [*limited[:half], *other[: len(limited) - half]]


def _graded(task: TaskStudy, lm: CausalLM, folder: str) -> Evaluation:
    """Answers on the real test set; those that are there already are not asked again."""
    with task.journal.rows(f"{task.place}/{folder}/predictions.jsonl") as log:
        if not log.missing(task.test):
            return logged(task.test, log)
        found = evaluate(lm, task.test, log=log, progress=True)
        log.close([example.id for example in task.test])
    return found


def scored(task: TaskStudy, lm: CausalLM, dev: Sequence[Example], name: str) -> HeadScores | None:
    """Head scores, once, in a file below the adapters; None where no example can be scored."""
    stage, file = f"{task.place}/{name}", task.folder / name
    if not task.journal.done(stage):
        try:
            scores = detect(lm.model, lm.tokenizer, dev, batch_size=8)
        except NothingToScoreError:
            return None
        scores.model, scores.identity = task.base_name, lm.weights
        announce(task.journal, stage)
        scores.save(file)
        task.journal.finish(stage)
    return HeadScores.load(file)


def _run(task: TaskStudy, found: _Measured, reference: _Measured) -> StudyRun:
    """The row of one model: its score, and its heads beside those of the real-trained one."""
    run = StudyRun(
        name=found.name,
        task=task.name,
        model=task.base_name,
        seed=task.seed,
        n_train=found.n_train,
        n_test=len(found.graded.predictions),
        f1=found.graded.metrics["f1"],
        per_example=tuple(found.graded.per_example()),
        seconds=round(found.seconds, 1),
    )
    if found.heads is None or reference.heads is None:
        return run
    overlap = compare(reference.heads.mean, found.heads.mean, threshold=THRESHOLD)
    over_0 = compare(reference.heads.mean, found.heads.mean, nonzero=True)
    more = {
        "n_heads": int((~reference.heads.mean.isnan()).sum()),
        "shared": shared_score(reference.heads.mean, found.heads.mean),
        "count": overlap.n_other,
        "count_both": overlap.n_both,
        "count_over_0": over_0.n_other,
        "recall": overlap.recall,
        "recall_over_0": over_0.recall,
        "precision": overlap.precision,
        "jaccard": overlap.jaccard,
        "cosine": overlap.cosine,
    }
    if found.own is not None and reference.own is not None:
        own = compare(reference.own.mean, found.own.mean, threshold=THRESHOLD)
        more["recall_own"] = own.recall
    return run.model_copy(update=without_nan(more))
