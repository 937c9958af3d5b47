"""Plans from files, solved by their kind."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

KINDS = ("python", "bool", "fol")


def read_plans(paths: Sequence[Path], kind: str) -> list[dict[str, Any]]:
    """Plans as `{id, plan}`: lines of a JSONL file, or one text file each.

    Raises
    ------
    UserError : unknown kind, a line without id or plan, an id that repeats, no plan.
    """
    if kind not in KINDS:
        raise UserError(f"--kind {kind}: unknown", ", ".join(KINDS))
    plans: list[dict[str, Any]] = []
    for path in paths:
        if path.suffix not in (".jsonl", ".gz"):
            if not path.exists():
                raise UserError(f"{path}: no such file")
            plans.append({"id": path.stem, "plan": path.read_text(encoding="utf-8")})
            continue
        for number, value in read_json_lines(path):
            for name in ("id", "plan"):
                if not isinstance(value, dict) or name not in value:
                    raise UserError(f"{path}:{number}: missing field {name!r}")
            wanted = (str, dict) if kind == "fol" else (str,)
            if not isinstance(value["plan"], wanted):
                raise UserError(f"{path}:{number}: plan: a text is wanted for --kind {kind}")
            plans.append({"id": str(value["id"]), "plan": value["plan"]})
    twice = [name for name, count in Counter(one["id"] for one in plans).items() if count > 1]
    if twice:
        raise UserError(f"id {twice[0]!r} is there twice")
    if not plans:
        raise UserError(f"{paths[0]}: no plan in it")
    return plans


def solve_plans(
    plans: Sequence[Mapping[str, Any]], kind: str, *, domain: str = "open", timeout: float = 1.0
) -> list[dict[str, Any]]:
    """Solve plans; results in their order, each with what was repaired.

    Raises
    ------
    UserError : unknown domain; no sandbox.
    """
    from .logic import solve_bool, solve_fol
    from .plan_repair import recover_plan
    from .python import solve_python_all

    if domain not in ("open", "closed"):
        raise UserError(f"--domain {domain}: unknown", "open or closed")
    repairs: list[list[str]] = [[] for _ in plans]
    if kind == "python":
        recovered = [recover_plan(one["plan"]) for one in plans]
        repairs = [one.repairs for one in recovered]
        texts = [one.text or plan["plan"] for one, plan in zip(recovered, plans, strict=True)]
        results = solve_python_all(texts, timeout)
    elif kind == "bool":
        results = [solve_bool(one["plan"]) for one in plans]
    else:
        results = [solve_fol(one["plan"], domain) for one in plans]  # type: ignore[arg-type]
    return [
        {
            "id": plan["id"],
            "status": one.status,
            "value": one.value,
            "error": one.error or None,
            "repairs": done,
        }
        for plan, one, done in zip(plans, results, repairs, strict=True)
    ]


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many plans ended how."""
    counts = Counter(row["status"] for row in rows)
    return ", ".join(f"{count} {status}" for status, count in counts.most_common())
