"""The generator's raw record (one update, one PS example) as a canonical example (section 3.3)."""

from typing import Any

from ..records import ProgSynExample
from .published_forms import _update


def from_raw(raw: dict[str, Any]) -> ProgSynExample:
    """Convert one raw item; its field names differ from the published ones."""
    source = dict(raw["update"])
    source.setdefault("update_type", "add-argument")
    source.setdefault("update_id", f"[{source['api_path']}]:[{source['update_type']}]:[update-0]")
    source.pop("unit_tests", None)
    update = _update(source)
    (item,) = raw["prog_syn"] if isinstance(raw.get("prog_syn"), list) else [raw["prog_syn"]]
    tests = item["unit_tests"]
    return ProgSynExample(
        prog_syn_id=f"{update.update_id}:[prog_syn-0]",
        update=update,
        scenario=item["scenario"],
        problem=item["problem"],
        solution_signature=item["solution_signature"],
        imports=item.get("imports", update.imports),
        unit_tests=tests if isinstance(tests, list) else list(tests.values()),
        ref_solution=item.get("ref_solution") or item["solution"],
    )
