"""Part 3 of `reproduce`: edit, sample and execute every arm (sections 3.7 and 8)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tenpapers.generation import Generator, Sampling, open_generator
from tenpapers.models import CausalLM, load_causal_lm
from tenpapers.records import write_json

from ..editing.editor import EditConfig
from ..editing.edits import EditPlan, edited_requests, read_edits, read_random_map, train_adapters
from ..execution.executor import Sandbox
from ..inputs.arena import Arena
from ..records import Prediction, ProgSynExample
from ..sampling.prompts import METHODS, demonstration
from ..sampling.sample import requests_for, sample_to_file
from ..scoring.evaluate import evaluate, summarise
from ..scoring.metrics import DEFAULT_KS
from ..scoring.specificity import choose_edits, measure_specificity, read_tasks, task_requests
from .settings import Study
from .tables import Run


def run_arms(arena: Arena, chosen: Sequence[ProgSynExample], study: Study, out: Path) -> list[Run]:
    """Train what is missing, sample every arm in one engine, execute, measure specificity."""
    _train(arena, chosen, study, out)
    sampling = Sampling(
        temperature=study.temperature, top_p=study.top_p, max_tokens=study.max_tokens
    )
    spec = study.sampler or study.model
    predictions: list[Prediction] = []
    specificity: dict[str, dict[str, Any]] = {}
    with open_generator(spec) as generator:
        for arm in study.arms:
            predictions += _sample(arm, arena, chosen, study, out, generator, sampling, spec)
        for arm in _trained_arms(study) if study.humaneval else ():
            specificity[arm] = _specificity(arm, study, out, generator, sampling)
    examples = Arena(tuple(chosen))
    with Sandbox(full_report=True) as sandbox:
        reports = evaluate(predictions, examples, sandbox, out / "arms", settings={"study": True})
    ks = [k for k in DEFAULT_KS if k <= study.samples]
    metrics = summarise(reports, ks, seed=study.seed)
    write_json(out / "arms" / "metrics.json", metrics)
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
    return list(dict.fromkeys(a.partition("+")[0] for a in study.arms if a not in METHODS))


def _train(arena: Arena, chosen: Sequence[ProgSynExample], study: Study, out: Path) -> None:
    lm: CausalLM | None = None
    for arm in _trained_arms(study):
        have = {e.prog_syn_id for e in read_edits(out / arm)} if (out / arm).exists() else set()
        if have >= {example.prog_syn_id for example in chosen}:
            continue
        plan = EditPlan(
            arena,
            arm.removeprefix("random-"),  # type: ignore[arg-type]
            demonstration(),
            random=arm.startswith("random-"),
            random_map=read_random_map(Path(study.random_map) if study.random_map else None),
            seed=study.seed,
        )
        # Each arm wraps a fresh copy: adapters of one must not lie below those of the next.
        lm = load_causal_lm(study.model)
        config = EditConfig(learning_rate=study.learning_rate, seed=study.seed)
        train_adapters(lm, plan, chosen, out / arm, config)


def _sample(
    arm: str,
    arena: Arena,
    chosen: Sequence[ProgSynExample],
    study: Study,
    out: Path,
    generator: Generator,
    sampling: Sampling,
    spec: str,
) -> list[Prediction]:
    demo = demonstration()
    if arm in METHODS:
        requests = requests_for(
            chosen, arm, n=study.samples, seed=study.seed, sampling=sampling, demo=demo
        )
    else:
        trained, _, shown = arm.partition("+")
        names = {example.prog_syn_id for example in chosen}
        edits = [edit for edit in read_edits(out / trained) if edit.prog_syn_id in names]
        requests = edited_requests(
            edits,
            arena,
            out / trained,
            n=study.samples,
            seed=study.seed,
            demo=demo,
            with_update=shown == "update",
            sampling=sampling,
        )
    file = out / "arms" / f"{arm}.jsonl"
    return sample_to_file(requests, generator, file, method=arm, model=spec, seed=study.seed)


def _specificity(
    arm: str, study: Study, out: Path, generator: Generator, sampling: Sampling
) -> dict[str, Any]:
    tasks = read_tasks(Path(study.humaneval))
    adapters = {"": ""} | choose_edits(out / arm, study.specificity_edits, None)
    requests = task_requests(tasks, adapters, n=study.samples, seed=study.seed, sampling=sampling)
    file = out / "arms" / f"{arm}.humaneval.jsonl"
    return measure_specificity(requests, tasks, generator, file, n=study.samples)
