"""Transfer of heads between tasks, and sweeps of one setting (section 6.3 of the spec)."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.models import CausalLM, Head, HeadGeometry
from tenpapers.records import read_json, write_json

from ..baselines.common import Intervention
from ..baselines.lora import fit_lora
from ..baselines.red import fit_red
from ..heads.ranking import default_k
from ..inputs.load_task import Task, nested_sample
from ..offsets.adapter import LofitAdapter
from ..records import MultipleChoiceItem, SelectConfig, TuneConfig
from ..scoring.evaluate import Evaluation, evaluate_answers, evaluate_choices
from ..scoring.significance import paired_bootstrap
from .two_steps import Encoding, choose_heads, kept_heads, learn_offsets

SWEEPS = ("k", "scale", "l1", "train-size", "component")


def evaluate_task(
    lm: CausalLM,
    task: Task,
    intervention: Intervention | None = None,
    *,
    split: str = "test",
    limit: int | None = None,
    **more: Any,
) -> Evaluation:
    """Evaluate a part of a task with its own metric: multiple choice or exact match."""
    items: Any = getattr(task, split)
    items = items[:limit]
    if not items:
        raise UserError(f"{task.name}: no {split} part to evaluate on")
    if isinstance(items[0], MultipleChoiceItem):
        return evaluate_choices(lm, items, intervention, **more)
    return evaluate_answers(lm, items, intervention, task=task.name, **more)


def headline(evaluation: Evaluation) -> tuple[str, list[float]]:
    """The metric a task is compared by, and its value (0 to 100) for each item."""
    if "mc1" in evaluation.metrics:
        return "mc1", [100 * item.mc1 for item in evaluation.items]  # type: ignore[union-attr]
    return "em_normalized", [100 * item.correct for item in evaluation.items]  # type: ignore[union-attr]


def transfer(
    lm: CausalLM,
    tasks: Sequence[Task],
    out: Path,
    *,
    select: SelectConfig,
    tune: TuneConfig,
    k: int | None = None,
    limit: int | None = None,
    split: str = "test",
) -> dict[str, Any]:
    """Heads from one task, offsets and test on another (the form of the paper's figure 2).

    A cell is the metric with heads of a (row) on b (column), in percent of b's own; stars mark
    cells that are below the diagonal by the paired bootstrap.

    Returns
    -------
    `{"tasks", "percent": rows of columns, "stars", "metric"}`; the same in `transfer.json`.
    """
    k = k or default_k(HeadGeometry.from_config(lm.model.config))
    rankings = {task.name: choose_heads(lm, task, select, out / task.name) for task in tasks}
    per_item: dict[tuple[str, str], list[float]] = {}
    for target in tasks:
        for source in tasks:
            cell = out / f"{source.name}-on-{target.name}"
            heads = rankings[source.name].top(k)
            adapter, _ = learn_offsets(lm, target, heads, tune, cell)
            found = evaluate_task(lm, target, adapter, split=split, limit=limit)
            per_item[source.name, target.name] = headline(found)[1]
    names = [task.name for task in tasks]
    percent, stars = [], []
    for a in names:
        row, marks = [], []
        for b in names:
            own = sum(per_item[b, b]) or 1.0
            row.append(100 * sum(per_item[a, b]) / own)
            marks.append("" if a == b else paired_bootstrap(per_item[b, b], per_item[a, b]).stars)
        percent.append(row)
        stars.append(marks)
    result = {"tasks": names, "percent": percent, "stars": stars, "k": k}
    write_json(out / "transfer.json", result)
    return result


def sweep(
    lm: CausalLM,
    task: Task,
    over: str,
    values: Sequence[float],
    out: Path,
    *,
    select: SelectConfig,
    tune: TuneConfig,
    k: int,
    split: str = "val",
    limit: int | None = None,
    encoding: Encoding | None = None,
) -> dict[str, list[tuple[float, float]]]:
    """Metric over one setting; what is measured already in `out` is not measured again.

    Parameters
    ----------
    over : "k" (percent of all heads), "scale" (strength of one adapter), "l1" (lambda of step 1),
        "train-size" (nested subsets; LoFiT beside LoRA and RED), or "component" (step 1's scales
        kept as they are against offsets; `values` are ignored).

    Returns
    -------
    Curves by name: (setting, metric in percent).
    """
    if over not in SWEEPS:
        raise UserError(f"--over {over}: unknown", f"one of {', '.join(SWEEPS)}")
    file = out / "sweep.json"
    known: dict[str, list[list[float]]] = read_json(file) if file.exists() else {}
    points = [0.0] if over == "component" else list(values)
    for value in points:
        arms = _arms(over)
        missing = [arm for arm in arms if value not in [x for x, _ in known.get(arm, [])]]
        if not missing:
            continue
        made = _one(
            lm, task, over, value, out / f"{over}-{value:g}", select, tune, k, encoding, missing
        )
        for arm, (intervention, strength) in made.items():
            found = evaluate_task(
                lm, task, intervention, split=split, limit=limit, strength=strength
            )
            _, per_item = headline(found)
            known.setdefault(arm, []).append([value, sum(per_item) / len(per_item)])
            write_json(file, known)
    return {arm: [(x, y) for x, y in curve] for arm, curve in known.items()}


def _arms(over: str) -> list[str]:
    if over == "train-size":
        return ["LoFiT", "LoRA", "RED"]
    if over == "component":
        return ["offsets", "scales kept"]
    return ["LoFiT"]


def _one(
    lm: CausalLM,
    task: Task,
    over: str,
    value: float,
    out: Path,
    select: SelectConfig,
    tune: TuneConfig,
    k: int,
    encoding: Encoding | None,
    arms: Sequence[str],
) -> dict[str, tuple[Intervention, float]]:
    """The interventions of one setting, with the strength each acts at."""
    n_heads = lm.model.config.num_hidden_layers * lm.model.config.num_attention_heads
    strength = 1.0
    if over == "k":
        k = max(1, round(value / 100 * n_heads))
    elif over == "l1":
        select = replace(select, l1=value)
    elif over == "train-size":
        task = replace(task, train=nested_sample(task.train, int(value), select.seed))
    elif over == "scale":
        strength = value
    made: dict[str, tuple[Intervention, float]] = {}
    if {"LoFiT", "offsets", "scales kept"} & set(arms):
        # The ranking is the same for all K and strengths, and so are the offsets for all strengths.
        place = out.parent / "heads" if over in ("k", "scale", "component") else out
        ranking = kept_heads(lm, task, select, place, encoding=encoding)
        tuned = out.parent / "offsets" if over in ("scale", "component") else out
        if (tuned / "adapter").exists():
            adapter = LofitAdapter.load(tuned / "adapter")
        else:
            adapter, _ = learn_offsets(
                lm, task, ranking.top(k), tune, tuned, ranking=ranking, encoding=encoding
            )
        made["offsets" if over == "component" else "LoFiT"] = (adapter, strength)
        if over == "component":
            layers, heads = ranking.scores.shape
            everything = [Head(i, j) for i in range(layers) for j in range(heads)]
            made["scales kept"] = (
                LofitAdapter.for_model(
                    lm.model.config,
                    everything,
                    ranking.scale,
                    component="scale",
                ),
                1.0,
            )
    if "LoRA" in arms:
        made["LoRA"] = (
            fit_lora(lm.model, lm.tokenizer, task.train, replace(tune, lr=1e-3))[0],
            1.0,
        )
    if "RED" in arms:
        made["RED"] = (fit_red(lm.model, lm.tokenizer, task.train, replace(tune, lr=1e-3))[0], 1.0)
    return made
