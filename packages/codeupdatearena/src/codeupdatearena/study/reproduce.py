"""The whole study at one scale: evaluator, likelihoods, end to end, claims, report."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tenpapers.journal import Journal, key_of, known_by
from tenpapers.models.identity import identity_as_loaded
from tenpapers.report import (
    REPORT_FILES,
    Picture,
    Table,
    manifest,
    print_report,
    write_report,
)
from tenpapers.settings import as_config

from ..execution.library_profiles import library_versions
from ..inputs.arena import Arena
from ..records import ProgSynExample
from .arms import Experiment, run_arms
from .claims import Measured, claims
from .evaluator_part import run_evaluator
from .likelihood_part import Likelihood, complete_at, run_likelihoods
from .likelihood_report import (
    as_results,
    effects,
    likelihood_figure,
    likelihood_table,
    sentence,
)
from .settings import Study, find_arena, input_files
from .tables import Run, breakdown, by_type, figure, main_table, shared_ks

Body = list[str | Table | Picture]


@dataclass
class LikelihoodPart:
    """What the likelihoods add to the report, and the examples that have adapters already."""

    measured: list[Likelihood] = field(default_factory=list)
    body: Body = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    chosen: list[ProgSynExample] = field(default_factory=list)


def reproduce(
    study: Study, out: Path, *, scale: str, overwrite: bool = False, wait: bool = False
) -> None:
    """Run the study and write its report into `out`; a killed run goes on where it was.

    Parameters
    ----------
    scale : named in the report's title.

    Raises
    ------
    UserError : wrong settings, or `out` holds a study of another model, other settings or inputs.
    """
    loaded, source = find_arena(study)
    arena = loaded.select(limit=study.limit)
    models = {
        role: known_by(spec, identity_as_loaded(spec))
        for role, spec in (("model", study.model), ("sampler", study.sampler))
        if spec
    }
    # The arena may be the hub's or our own: its content says which.
    examples = [example.model_dump(mode="json") for example in arena.examples]
    key = key_of(
        "codeupdatearena reproduce",
        study,
        without=["humaneval", "random_map"],
        **models | {"arena": known_by(source, examples)},
    )
    inputs = [Path(file) for file in (study.humaneval, study.random_map) if file] + study.inputs
    with Journal(out, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        journal.claim(*REPORT_FILES)
        _run_parts(study, arena, source, journal, scale)


def _run_parts(study: Study, arena: Arena, source: str, journal: Journal, scale: str) -> None:
    began, out = time.monotonic(), journal.root
    intro = (
        f"{len(arena.examples)} examples of {len(arena.by_update())} updates; arena: {source}. "
        f"Model: {study.model}."
    )
    print(intro)
    evaluator, results = run_evaluator(arena, study, journal)
    likelihoods = _likelihoods(arena, study, journal) if study.proxy else LikelihoodPart()
    chosen = likelihoods.chosen or list(arena.examples[: study.instances or None])
    runs = run_arms(Experiment(arena, chosen, study, journal))
    body = [intro, *_arms_part(runs, journal), *likelihoods.body, evaluator]
    results |= likelihoods.results
    results["arms"] = {run.method: run.metrics for run in runs}
    rate = study.learning_rates[0] if study.learning_rates else study.learning_rate
    results["claims"] = claims(Measured(runs, likelihoods.measured, rate, study.seed))
    details = manifest(
        as_config(study),
        seed=study.seed,
        began=began,
        data=input_files(study),
        tokens=sum(found.trained_tokens for found in likelihoods.measured),
    )
    details["versions"] |= library_versions()
    write_report(out, f"CodeUpdateArena, {scale} scale", body, results=results, manifest=details)
    print_report(body, out, time.monotonic() - began)


def _likelihoods(arena: Arena, study: Study, journal: Journal) -> LikelihoodPart:
    from tenpapers.models import load_causal_lm

    measured = run_likelihoods(load_causal_lm(study.model), arena, study, journal)
    rate = study.learning_rates[0]
    found = effects(measured, rate, study.seed)
    rates = [rate for rate in study.learning_rates if complete_at(measured, rate)]
    return LikelihoodPart(
        measured,
        [
            likelihood_table(measured, rates),
            sentence(found, rate),
            likelihood_figure(measured, rates, journal.file("call_nll.png")),
        ],
        {"likelihood": as_results(measured, found)},
        # Their adapters are made already.
        [arena.by_id[name] for name in complete_at(measured, rate)[: study.instances]],
    )


def _arms_part(runs: list[Run], journal: Journal) -> Body:
    ks = shared_ks(runs)
    last = f"UPass@{ks[-1]}"
    body: Body = [main_table(runs, ks)]
    solved = [run for run in runs if run.metrics["pass@1"]]
    gains = {run.method: run.metrics.get(last) or 0.0 for run in runs}
    if not solved:
        body.append(
            "No sample of any arm passes its tests, so the samples say nothing about editing at "
            "this scale: the paper's claims neither show nor fail here. The likelihoods below are "
            "what a model of this size can show."
        )
    else:
        order = ", ".join(f"{name} {value:.1f}" for name, value in gains.items())
        body.append(f"{last} by arm: {order}.")
        body.append(figure(runs, journal.file("upass_by_type.png"), ks[-1]))
        body.append(breakdown(runs, by_type, f"{last} by update type", last, ks[-1:]))
    return body
