"""One update or one example as text for a person."""

from tenpapers.errors import UserError

from ..records import ApiUpdate, ProgSynExample
from .arena import load_arena
from .update_types import enforce_statements


def show(source: str, name: str) -> str:
    """Render what has the id in an arena.

    Raises
    ------
    UserError : neither an update nor an example has it.
    """
    arena = load_arena(source)
    if name in arena.by_id:
        return show_example(arena.by_id[name])
    groups = arena.by_update()
    if name in groups:
        return show_update(groups[name][0].update)
    raise UserError(f"{source}: no update and no example {name}", "ids include the brackets")


def show_update(update: ApiUpdate) -> str:
    """Render an update: what changes, the documentation, the code and how it is enforced."""
    parts = [
        update.update_id,
        f"{update.old_signature or update.function_path}\n-> {update.signature}",
        update.description,
        f"Why: {update.rationale}" if update.rationale else "",
        update.docstring,
        "\n".join(update.imports),
        update.implementation,
        f"# in force by\n{enforce_statements(update)}",
    ]
    return "\n\n".join(part for part in parts if part)


def show_example(example: ProgSynExample) -> str:
    """Render an example: its update, the problem, the tests and the reference solution."""
    parts = [
        show_update(example.update),
        f"{'-' * 80}\n{example.prog_syn_id}",
        f"Scenario: {example.scenario}",
        f"Problem: {example.problem}",
        example.solution_signature,
        *example.unit_tests,
        f"# reference\n{example.ref_solution}",
    ]
    return "\n\n".join(parts)
