"""End to end: edit, sample and execute every arm of the paper's main table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from tenpapers.errors import UserError
from tenpapers.generation import Generator, open_generator
from tenpapers.journal import Journal
from tenpapers.models import load_causal_lm
from tenpapers.records import write_json

from ..editing.edits import check_base, open_edits, read_edits, train_adapters
from ..editing.sample_edited import edited_requests
from ..editing.settings import Arm, ArmSettings
from ..editing.training_sets import EditPlan
from ..execution.executor import Sandbox
from ..inputs.arena import Arena
from ..records import Prediction, ProgSynExample
from ..sampling.sample import open_predictions, requests_for, sample_solutions
from ..sampling.settings import Method
from ..scoring.evaluate import evaluate, open_reports, summarise
from ..scoring.metrics import DEFAULT_KS
from ..scoring.specificity import (
    choose_edits,
    measure_specificity,
    open_answers,
    read_tasks,
    task_requests,
)
from .settings import Study, StudyArm, input_files, open_pool
from .tables import Run

METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class Experiment:
    """One run of the arms: the examples of `arena` that are tested, and its journal."""

    arena: Arena
    chosen: Sequence[ProgSynExample]
    study: Study
    journal: Journal


def run_arms(experiment: Experiment) -> list[Run]:
    """Train what is missing, sample every arm in one engine, execute, measure specificity."""
    study, journal = experiment.study, experiment.journal
    for arm in _trained_arms(study):
        _train(experiment, arm)
    predictions: list[Prediction] = []
    specificity: dict[str, dict[str, Any]] = {}
    with open_generator(study.sampler or study.model) as generator:
        for arm in study.arms:
            predictions += _sample(experiment, arm, generator)
        for trained in _trained_arms(study) if study.humaneval else ():
            specificity[trained] = _specificity(experiment, trained, generator)
    examples = Arena(tuple(experiment.chosen))
    with (
        Sandbox(
            full_report=True,
            barriers=study.barriers,
            path=study.library,
            hidden=input_files(study),
        ) as sandbox,
        open_reports(journal, "arms/reports.jsonl") as rows,
    ):
        reports = evaluate(predictions, examples, sandbox, rows)
        told = sandbox.pool.summary()
    ks = [k for k in DEFAULT_KS if k <= study.samples]
    metrics = summarise(reports, ks, seed=study.seed) | {"sandbox": told}
    write_json(journal.file("arms/metrics.json"), metrics)
    return [
        Run(
            method,
            values,
            [report for report in reports if report.method == method],
            specificity.get(method.partition("+")[0]),
        )
        for method, values in metrics["methods"].items()
    ]


def _trained_arms(study: Study) -> list[str]:
    """Arms that need adapters: an arm tested with the update text shares those of the plain one."""
    edited = (arm for arm in study.arms if arm not in METHODS)
    return list(dict.fromkeys(arm.partition("+")[0] for arm in edited))


def _train(experiment: Experiment, arm: str) -> None:
    """Train the adapters of an arm that are not there yet."""
    study = experiment.study
    with open_edits(experiment.journal, f"{arm}/") as rows:
        if not rows.missing(experiment.chosen, key=lambda example: example.prog_syn_id):
            return
    settings = ArmSettings(
        arm=_plain(arm),
        random=arm.startswith("random-"),
        random_map=study.random_map_file,
        learning_rate=study.learning_rate,
        epochs_times_texts=study.passes,
        seed=study.seed,
    )
    plan = EditPlan.of(experiment.arena, settings)
    # Each arm wraps a fresh copy: adapters of one must not lie below those of the next.
    lm = load_causal_lm(study.model)
    train_adapters(lm, plan, experiment.chosen, experiment.journal, settings, into=f"{arm}/")


def _plain(arm: str) -> Arm:
    """What the arm is trained on, whoever's update it is."""
    (found,) = (known for known in get_args(Arm) if known == arm.removeprefix("random-"))
    plain: Arm = found
    return plain


def _sample(experiment: Experiment, arm: StudyArm, generator: Generator) -> list[Prediction]:
    study, out = experiment.study, experiment.journal.root
    if arm == "base" or arm == "prepend":
        requests = requests_for(experiment.chosen, arm, study.sampling)
    else:
        trained, _, shown = arm.partition("+")
        names = {example.prog_syn_id for example in experiment.chosen}
        edits = [edit for edit in read_edits(out / trained) if edit.prog_syn_id in names]
        check_base(edits, study.sampler or study.model, out / trained)
        requests = edited_requests(
            edits,
            experiment.arena,
            out / trained,
            study.sampling,
            with_update=shown == "update",
        )
    with open_predictions(experiment.journal, f"arms/{arm}.jsonl") as rows:
        made = sample_solutions(
            requests,
            generator,
            rows,
            method=arm,
            model=study.sampler or study.model,
            settings=study.sampling,
        )
        rows.close(order=[request.id for request in requests])
    if made.failures:
        raise UserError(made.told())
    return made.predictions


def _specificity(experiment: Experiment, arm: str, generator: Generator) -> dict[str, Any]:
    study, journal = experiment.study, experiment.journal
    tasks = read_tasks(Path(study.humaneval))
    adapters = {"": ""} | choose_edits(journal.root / arm, study.specificity_edits, None)
    with (
        open_answers(journal, f"arms/{arm}.humaneval.jsonl") as rows,
        open_pool(study) as pool,
    ):
        return measure_specificity(
            task_requests(tasks, adapters, study.sampling),
            tasks,
            generator,
            rows,
            pool,
            samples=study.samples,
        )
