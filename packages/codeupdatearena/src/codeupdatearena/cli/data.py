"""`codeupdatearena data ...`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, Limit, OutFile, UserError

from ..options import ArenaArg, ArenaOption, Ids, say

app = typer.Typer(
    help="Import, count and look at benchmark data.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("import")
def data_import(
    source: ArenaArg,
    out: OutFile,
    limit: Limit = None,
    ids: Ids = None,
) -> None:
    """Bring any published form into one canonical arena file; print what was repaired.

    Example: codeupdatearena data import arena-grouped.jsonl.gz --out arena.jsonl
    """
    from tenpapers.records import write_jsonl

    from ..inputs.arena import load_arena
    from ..inputs.published_forms import repairs

    arena = load_arena(source).select(ids=ids, limit=limit)
    write_jsonl(out, arena.examples)
    tests = sum(len(example.unit_tests) for example in arena.examples)
    updates = len(arena.by_update())
    print(f"{len(arena.examples)} examples of {updates} updates, {tests} tests -> {out}")
    if Path(source).exists():
        for name, count in repairs(Path(source), list(arena.examples)).items():
            print(f"  {name}: {count}")


@app.command("stats")
def data_stats(
    source: ArenaArg,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the pies.")] = None,
    as_json: Json = False,
) -> None:
    """Count updates, examples, tests and tokens beside the paper's numbers; draw two pies."""
    from tenpapers.report import Table

    from ..inputs.arena import load_arena
    from ..inputs.statistics import PAPER, describe, draw

    arena = load_arena(source)
    rows = describe(arena)
    table = Table("", ["", "here", "paper"], [[n, v, PAPER.get(n)] for n, v in rows])
    say(dict(rows), as_json, table.text())
    if out is not None:
        draw(arena, out / "updates.png")
        print(f"-> {out / 'updates.png'}")


@app.command("show")
def data_show(name: Annotated[str, typer.Argument(metavar="ID")], arena: ArenaOption) -> None:
    """Show one update or example, rendered."""
    from ..inputs.arena import load_arena
    from ..inputs.display import show_example, show_update

    loaded = load_arena(arena)
    if name in loaded.by_id:
        print(show_example(loaded.by_id[name]))
    elif name in (groups := loaded.by_update()):
        print(show_update(groups[name][0].update))
    else:
        raise UserError(f"{arena}: no update and no example {name}", "ids include the brackets")
