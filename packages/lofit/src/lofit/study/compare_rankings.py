"""Two or more rankings side by side: overlap, layers, correlation."""

from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.models import HeadGeometry
from tenpapers.records import read_json, write_json

from ..heads.overlap import chance_jaccard, jaccard, layer_histogram, spearman, stability
from ..heads.ranking import default_k, read_heads
from .figures import layers_figure, matrix_figure


def compare_rankings(
    files: list[Path], journal: Journal, top_k: int | None
) -> tuple[dict[str, Any], str]:
    """Compare the first K heads of rankings of one model.

    Returns
    -------
    (what `comparison.json` holds, the same as text).

    Raises
    ------
    UserError : fewer than two files, one of them twice, or none that says the model's shape.
    AdapterMismatchError : rankings of models of different shapes.
    """
    if len(files) < 2:
        raise UserError("two rankings or more are wanted")
    geometry = _geometry(files)
    k = top_k or default_k(geometry)
    names = [str(file.parent.name or file.stem) for file in files]
    if len(set(names)) < len(names):
        names = [str(file) for file in files]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{name}: stands there twice", "a ranking is compared with others")
    rankings = [read_heads(file, geometry) for file in files]
    sets = {name: ranking.top(k) for name, ranking in zip(names, rankings, strict=True)}
    overlap = [[jaccard(a, b) for b in sets.values()] for a in sets.values()]
    total = geometry.n_layers * geometry.n_heads
    content: dict[str, Any] = {
        "k": k,
        "names": names,
        "jaccard": overlap,
        "chance": chance_jaccard(k, total),
        "stability": stability(list(sets.values())),
        "spearman": [[spearman(a.scores, b.scores) for b in rankings] for a in rankings],
        "layers": {name: layer_histogram(heads, geometry.n_layers) for name, heads in sets.items()},
    }
    write_json(journal.file("comparison.json"), content)
    drawn = {name: [heads] for name, heads in sets.items()}
    layers_figure(journal.file("layers.png"), drawn, geometry.n_layers, "Selected heads per layer")
    labels = [[f"{value:.2f}" for value in row] for row in overlap]
    matrix_figure(
        journal.file("jaccard.png"),
        names,
        overlap,
        labels,
        rows="",
        columns="",
        title=f"Jaccard of the first {k} heads (chance {content['chance']:.2f})",
    )
    lines = [
        f"{names[i]} ~ {names[j]}: Jaccard {overlap[i][j]:.2f}, "
        f"rank correlation {content['spearman'][i][j]:.2f}"
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]
    lines.append(f"chance of Jaccard for K={k} of {total}: {content['chance']:.3f}")
    lines.append(f"-> {journal.root / 'comparison.json'}, layers.png, jaccard.png")
    return content, "\n".join(lines)


def _geometry(files: list[Path]) -> HeadGeometry:
    """The model's shape, from the first `heads.json` that says it."""
    for file in files:
        if file.suffix == ".npy":
            continue
        content = read_json(file)
        if isinstance(content, dict) and {"num_layers", "num_heads"} <= content.keys():
            shape = {"num_kv_heads": content["num_heads"], "head_dim": 0} | content
            layers, heads = shape["num_layers"], shape["num_heads"]
            return HeadGeometry("", layers, heads, shape["num_kv_heads"], shape["head_dim"], 0)
        if isinstance(content, dict) and isinstance(content.get("scores"), list):
            scores = content["scores"]
            return HeadGeometry("", len(scores), len(scores[0]), len(scores[0]), 0, 0)
    raise UserError("no heads.json among the files says the model's shape")
