"""`codeupdatearena data ...`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, Limit, OutFile, data_app, say

from ..inputs import fetched
from .arguments import ArenaArg, ArenaOption, Ids

app = data_app("codeupdatearena", fetched.make)


@app.command("import")
def data_import(source: ArenaArg, out: OutFile, limit: Limit = None, ids: Ids = None) -> None:
    """Bring any published form into one canonical arena file; print what was repaired.

    Example: codeupdatearena data import arena-grouped.jsonl.gz --out arena.jsonl
    """
    from tenpapers.journal import Journal
    from tenpapers.records import write_jsonl

    from ..execution.programs import check_tests
    from ..inputs.arena import arena_file, load_arena
    from ..inputs.published_forms import repairs

    arena = load_arena(source).select(ids=ids, limit=limit)
    check_tests(arena.examples)
    inputs = [arena_file(source), ids]
    with Journal.once(out, command="codeupdatearena data import", inputs=inputs) as journal:
        write_jsonl(journal.file(out.name), arena.examples)
    print(f"{arena.summary} -> {out}")
    for name, count in repairs(Path(source), arena.examples).items():
        print(f"  {name}: {count}")


@app.command("stats")
def data_stats(
    source: ArenaArg,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the pies.")] = None,
    as_json: Json = False,
) -> None:
    """Count updates, examples, tests and tokens beside the paper's numbers; draw two pies.

    Example: codeupdatearena data stats arena.jsonl --out runs/stats
    """
    from tenpapers.journal import Journal

    from ..inputs.arena import load_arena
    from ..inputs.statistics import describe, draw, statistics_table

    arena = load_arena(source)
    rows = describe(arena)
    say(dict(rows), as_json, statistics_table(rows))
    if out is not None:
        file = out / "updates.png"
        with Journal.once(file, command="codeupdatearena data stats") as journal:
            draw(arena, journal.file(file.name))
        print(f"-> {out / 'updates.png'}")


@app.command("show")
def data_show(name: Annotated[str, typer.Argument(metavar="ID")], arena: ArenaOption) -> None:
    """Show one update or example, rendered.

    Example: codeupdatearena data show till/0 --arena arena.jsonl
    """
    from ..inputs.display import show

    print(show(arena, name))
