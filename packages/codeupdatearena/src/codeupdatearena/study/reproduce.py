"""The whole study at one scale: evaluator, likelihoods, end to end, report (section 8)."""

import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tenpapers.records import read_json, read_jsonl, write_json, write_jsonl
from tenpapers.report import Picture, Table, claim_folder, manifest, print_report, write_report
from tenpapers.sandbox import SandboxPool
from tqdm import tqdm

from ..execution.library_profiles import library_versions
from ..execution.references import run_references
from ..execution.self_dependence import self_dependence
from ..inputs.arena import Arena
from ..inputs.known_issues import known_issues
from ..records import Outcome, ProgSynExample
from .arms import run_arms
from .settings import Study, data_folder, find_arena, read_study
from .tables import Run, breakdown, by_type, figure, main_table, shared_ks

Body = list[str | Table | Picture]


def reproduce(
    out: Path,
    *,
    scale: str = "cpu",
    arena: str | None = None,
    config: Path | None = None,
    model: str | None = None,
    budget: float | None = None,
    seed: int | None = None,
    limit: int | None = None,
    overwrite: bool = False,
) -> None:
    """Run the study and write its report into `out`; a killed run goes on where it was.

    Raises
    ------
    UserError : wrong settings, or `out` holds a study of other settings.
    """
    began = time.monotonic()
    study = read_study(
        scale, config, arena=arena, model=model, budget=budget, seed=seed, limit=limit
    )
    parts = ["evaluator", "ft-ps", "arms", "likelihood.jsonl"]
    claim_folder(out, asdict(study), overwrite=overwrite, parts=parts)
    loaded, source = find_arena(study)
    loaded = loaded.select(limit=study.limit)
    intro = (
        f"{len(loaded.examples)} examples of {len(loaded.by_update())} updates; arena: {source}. "
        f"Model: {study.model}."
    )
    print(intro)
    body, results = _evaluator(loaded, out / "evaluator")
    figures: Body = []
    chosen = list(loaded.examples[: study.instances or None])
    tokens = 0
    if study.proxy:
        part, numbers, chosen, tokens = _likelihood(loaded, study, out, chosen)
        figures += part
        results |= numbers
    runs = run_arms(loaded, chosen, study, out)
    body = [intro, *_arms_part(runs, out), *figures, *body]
    results["arms"] = {run.method: run.metrics for run in runs}
    folder = data_folder()
    details = manifest(
        asdict(study),
        seed=study.seed,
        began=began,
        data=sorted(folder.iterdir()) if folder and not study.arena else [Path(study.arena)],
        tokens=tokens,
    )
    details["versions"] |= library_versions()
    write_report(out, f"CodeUpdateArena, {scale} scale", body, results=results, manifest=details)
    print_report(body, out, time.monotonic() - began)


def _evaluator(arena: Arena, out: Path) -> tuple[Body, dict[str, Any]]:
    """Part 1: do the references hold, and which tests need the update by themselves?"""
    issues = known_issues()
    light = [e for e in arena.examples if issues.get(e.prog_syn_id) != "heavy"]
    with SandboxPool() as pool:
        outcomes = _references(light, pool, out / "outcomes.jsonl")
        dependent = _dependence(light, pool, out / "dependence.json")
    passing = [o for o in outcomes if all(status == "passed" for status in o.with_update)]
    without = [
        o
        for o in outcomes
        if len(o.without_update) == len(o.with_update)
        and all(status == "passed" for status in o.without_update)
    ]
    decided = {n: flags for n, flags in dependent.items() if flags and None not in flags}
    strict = sum(not all(decided[o.prog_syn_id]) for o in passing if o.prog_syn_id in decided)
    tests = sum(len(o.with_update) for o in outcomes)
    passed = sum(o.with_update.count("passed") for o in outcomes)
    numbers = {
        "references run (without the heavy ones)": len(outcomes),
        "pass all tests with the update": len(passing),
        "pass all tests without it": len(without),
        "tests": tests,
        "tests passed with the update": passed,
        "tests decided for self-dependence": sum(map(len, decided.values())),
        "tests that need the update by themselves": sum(map(sum, decided.values())),  # type: ignore[arg-type]
        "examples decided": len(decided),
        "examples with such a test": sum(map(any, decided.values())),
        "passing references that official UPass@1 counts": len(passing) - len(without),
        "passing references that strict UPass@1 can decide": strict,
    }
    known = Counter(issues.get(o.prog_syn_id, "other") for o in outcomes if o not in passing)
    causes = ", ".join(f"{count} {cause}" for cause, count in known.items()) or "none"
    table = Table(
        "Evaluator",
        ["", "n", "paper: n"],
        [[name, count, None] for name, count in numbers.items()],
        f"References that fail, by known cause: {causes}. A test that needs the update by itself "
        "fails without it whatever the solution does, so official UPass counts every passing "
        "solution of its example as one that uses the update.",
    )
    return [table], {"evaluator": numbers}


def _references(examples: list[ProgSynExample], pool: SandboxPool, file: Path) -> list[Outcome]:
    if file.exists():
        return read_jsonl(file, Outcome)
    # The references belong to the benchmark: one process an example will do.
    outcomes = run_references(examples, pool, isolate_tests=False, stop_without=True)
    write_jsonl(file, outcomes)
    return outcomes


def _dependence(
    examples: list[ProgSynExample], pool: SandboxPool, file: Path
) -> dict[str, list[bool | None]]:
    if file.exists():
        found: dict[str, list[bool | None]] = read_json(file)
        return found
    stream = tqdm(
        self_dependence(examples, pool), total=len(examples), desc="self-dependence", unit="prog"
    )
    found = dict(stream)
    write_json(file, found)
    return found


def _likelihood(
    arena: Arena, study: Study, out: Path, chosen: list[ProgSynExample]
) -> tuple[Body, dict[str, Any], list[ProgSynExample], int]:
    """Part 2; gives its pieces of the report and the examples that have adapters for part 3."""
    from tenpapers.models import load_causal_lm

    from .likelihood_part import (
        as_results,
        complete_at,
        effects,
        likelihood_figure,
        likelihood_table,
        run_likelihoods,
        sentence,
    )

    measured = run_likelihoods(load_causal_lm(study.model), arena, study, out)
    rate = study.learning_rates[0]
    found = effects(measured, rate, study.seed)
    rates = [r for r in study.learning_rates if complete_at(measured, r)]
    text = sentence(found, rate)
    names = complete_at(measured, rate)[: study.instances]
    if names:
        # On a slow machine fewer than `instances`: their adapters are made already.
        chosen = [arena.by_id[name] for name in names]
    picture = likelihood_figure(measured, rates, out / "call_nll.png")
    body: Body = [likelihood_table(measured, rates), text, picture]
    trained = sum(one.trained_tokens for one in measured)
    return body, {"likelihood": as_results(measured, found)}, chosen, trained


def _arms_part(runs: list[Run], out: Path) -> Body:
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
        body.append(figure(runs, out / "upass_by_type.png", ks[-1]))
        body.append(breakdown(runs, by_type, f"{last} by update type", last, ks[-1:]))
    return body
