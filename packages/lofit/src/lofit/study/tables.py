"""Numbers as text and tables."""

from typing import Any

from ..offsets.adapter import LofitAdapter
from ..offsets.merge import mergeability


def metrics_text(results: dict[str, Any]) -> str:
    """Metrics of an evaluation, the echo baseline beside them, and what is remarkable."""
    lines = [f"n = {results['n']}"]
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


def describe(adapter: Any) -> dict[str, Any]:
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
    from transformers import AutoConfig

    from ..baselines.parameter_counts import base_parameters

    try:
        from tenpapers.models.loading import resolve_name

        return base_parameters(AutoConfig.from_pretrained(resolve_name(adapter.base_model)))
    except (OSError, ValueError):
        return None
