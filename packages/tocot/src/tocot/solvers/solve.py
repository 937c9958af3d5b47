"""Plans from files, solved by their kind."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines
from tenpapers.sandbox import KERNEL_BARRIERS, Barrier

from .logic import solve_bool, solve_fol
from .plan_repair import recover_plan
from .python import solve_python_all
from .settings import Domain, PlanKind


def read_plans(paths: Sequence[Path], kind: PlanKind) -> list[dict[str, Any]]:
    """Plans as `{id, plan}`: lines of a JSONL file, or one text file each.

    Raises
    ------
    UserError : a line without id or plan, an id that repeats, no plan.
    """
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
    counts = Counter(plan["id"] for plan in plans)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise UserError(f"id {twice[0]!r} is there twice")
    if not plans:
        raise UserError(f"{paths[0]}: no plan in it")
    return plans


def solve_plans(
    plans: Sequence[Mapping[str, Any]],
    kind: PlanKind,
    *,
    domain: Domain = "open",
    timeout: float = 1.0,
    barriers: Sequence[Barrier] = KERNEL_BARRIERS,
    told: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Solve plans; results in their order, each with what was repaired.

    Parameters
    ----------
    timeout : CPU seconds of a Python plan.
    barriers, told : of the sandbox, see `solve_python_all`.

    Raises
    ------
    UserError : no sandbox.
    """
    repairs: list[list[str]] = [[] for _ in plans]
    if kind == "python":
        recovered = [recover_plan(given["plan"]) for given in plans]
        repairs = [plan.repairs for plan in recovered]
        texts = [plan.text or given["plan"] for plan, given in zip(recovered, plans, strict=True)]
        results = solve_python_all(texts, timeout, barriers=barriers, told=told)
    elif kind == "bool":
        results = [solve_bool(given["plan"]) for given in plans]
    else:
        results = [solve_fol(given["plan"], domain) for given in plans]
    return [
        {
            "id": given["id"],
            "status": result.status,
            "value": result.value,
            "error": result.error or None,
            "repairs": done,
        }
        for given, result, done in zip(plans, results, repairs, strict=True)
    ]


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many plans ended how."""
    counts = Counter(row["status"] for row in rows)
    return ", ".join(f"{count} {status}" for status, count in counts.most_common())
