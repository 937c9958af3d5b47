"""Numbers as text and tables."""

from collections.abc import Sequence
from typing import Any

from tenpapers.paper import Paper
from tenpapers.report import Table, Value

from ..baselines.intervention import Intervention
from ..inputs.load_task import Task
from ..offsets.adapter import LofitAdapter
from ..offsets.merge import mergeability
from .arms import Arm
from .settings import Study


def task_table(
    label: str, arms: Sequence[Arm], task: Task, *, study: Study, k: int, paper: Paper
) -> Table:
    """The form of the paper's tables 1 and 2 for one task, with its confirmed cells."""
    choices = "mc1" in arms[0].runs[0]
    metrics = ["mc1", "mc2", "mc3"] if choices else ["em_normalized", "em_strict"]
    headline = "mc1" if choices else "EM"
    base = study.model.split("?")[0].split("/")[-1].removesuffix("-hf")
    rows: list[list[Value]] = [
        [
            arm.name,
            len(arm.runs),
            *[cell for metric in metrics for cell in (arm.mean(metric), arm.spread(metric))],
            arm.numbers,
            round(arm.seconds, 1),
            paper.confirmed(f"{task.name}/{arm.name}/{base}/{headline}"),
        ]
        for arm in arms
    ]
    n = len(arms[0].per_item[0])
    note = (
        f"{n} items of {study.split}, in percent, means over the runs, +- half of their range; "
        "numbers = what the method adds to the model; seconds = training (or fitting) of all runs. "
        f"K = {k} heads."
    )
    if any(task.missing.values()):
        note += f" Ids of the paper's splits that are not in the files: {task.missing}."
    named = [name for metric in metrics for name in (metric, f"+- {metric}")]
    columns = ["method", "runs", *named, "numbers", "seconds", f"paper: {headline}"]
    return Table(label, columns, rows, note)


def metrics_text(results: dict[str, Any]) -> str:
    """Metrics of an evaluation, the echo baseline beside them, and what is remarkable."""
    lines = [f"n = {results['n']}"]
    if results.get("failed"):
        lines.append(f"{results['failed']} got no answer; the same command asks them again")
    if results.get("truncated"):
        lines.append(f"{results['truncated']} were cut at the limit of tokens before their end")
    if results.get("unjudged"):
        lines.append(f"{results['unjudged']} lack a verdict: a judge said neither yes nor no")
    echo = results.get("echo") or {}
    for name, value in results["metrics"].items():
        if name == "n_skipped":
            continue
        beside = f"   (echo baseline {echo[name]:.1f})" if name in echo else ""
        lines.append(f"{name:16s} {value:6.1f}{beside}")
    lines += [f"note: {remark}" for remark in results.get("remarks", [])]
    for name, value in results.get("side_effects", {}).items():
        lines.append(f"{name:16s} {value:10.4f}")
    return "\n".join(lines)


def describe(adapter: Intervention) -> dict[str, Any]:
    """What `inspect` says of an adapter."""
    content: dict[str, Any] = {"kind": type(adapter).__name__, "numbers": adapter.n_parameters}
    if not isinstance(adapter, LofitAdapter):
        return content
    shape = adapter.geometry
    norms = adapter.values.flatten(0, -2).norm(dim=-1)
    verdict = mergeability(shape.model_type)
    partial = adapter.positions == "last"
    how = (
        "refused without --all-positions (it edits the last token only)" if partial else verdict.how
    )
    content |= {
        "component": adapter.component,
        "method": adapter.method,
        "base": adapter.base_model,
        "model": f"{shape.model_type}, {shape.n_layers} layers of {shape.n_heads} heads "
        f"({shape.n_kv_heads} key-value) of {shape.head_dim}",
        "heads": " ".join(f"{layer}.{head}" for layer, head in adapter.heads[:64]),
        "norms": f"{float(norms.min()):.3g} to {float(norms.max()):.3g}",
        "share of all heads": f"{len(adapter.heads) / (shape.n_layers * shape.n_heads):.1%}",
        "merge": how,
        "merged for transformers": verdict.transformers and not partial,
        "merged for vLLM": verdict.vllm and not partial,
    }
    if (total := _base_size(adapter)) is not None:
        content["share of the base's numbers"] = f"{100 * adapter.n_parameters / total:.5f} %"
    return content


def _base_size(adapter: LofitAdapter) -> int | None:
    """Numbers of the base, where its configuration is at hand."""
    from tenpapers.models.loading import resolve_name
    from transformers import AutoConfig

    from ..baselines.parameter_counts import base_parameters

    try:
        return base_parameters(AutoConfig.from_pretrained(resolve_name(adapter.base_model)))
    except (OSError, ValueError):
        return None
