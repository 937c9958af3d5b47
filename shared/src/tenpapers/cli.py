"""Command lines: one way to build them, one way to speak, one way to fail.

A command prints its result on standard output and everything else on standard error. What a user
can mend is a `UserError`: one line, exit code 2. Anything else is a bug and keeps its traceback.
"""

import json
import logging
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup, TyperOption
from typer.exceptions import Abort, Exit, TyperException

from .errors import UserError
from .report import Table

if TYPE_CHECKING:
    from .data import Make

TOLERATED = 0.01  # share of a run's requests that may fail

OutDir = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
OutFile = Annotated[Path, typer.Option("--out", help="File for the results.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of every random choice.", min=0)]
Limit = Annotated[int | None, typer.Option("--limit", help="Only the first N examples.", min=1)]
Model = Annotated[
    str,
    typer.Option("--model", help="Model spec: smollm2, hf:ID, vllm:ID, openai:NAME@URL, ray:SPEC."),
]
Cache = Annotated[
    bool, typer.Option("--cache/--no-cache", help="Reuse completions of earlier runs.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
AllowCode = Annotated[
    bool,
    typer.Option("--allow-code", help="Agree to run model-written code in the sandbox."),
]

Data = Annotated[
    Path | None, typer.Option("--data", help="Folder or file of the data; default: what is found.")
]
Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...; auto: all.")]
Dtype = Annotated[str | None, typer.Option("--dtype", help="float32, bfloat16 or float16.")]
OProjPattern = Annotated[
    str | None,
    typer.Option(
        "--o-proj-pattern",
        help="Of an unknown family: regular expression of the output projections' whole names.",
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite/--resume",
        help="Discard what an earlier run made in --out, or go on where it stopped.",
    ),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait while another process works in --out.")]
PromptsFolder = Annotated[
    Path | None, typer.Option("--prompts", help="Folder of templates that replace ours.")
]
Scale = Annotated[
    Literal["cpu", "paper"], typer.Option("--scale", help="Two CPU cores, or the paper's setting.")
]


# Options that name a model which a server or a cluster may serve.
_MODEL_OPTIONS = {
    "--model",
    "--teacher",
    "--judge",
    "--reader",
    "--scorer",
    "--critic",
    "--refiner",
}


class _Group(TyperGroup):
    """Commands; those that ask a model have `--patience`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        _add_patience(self)


def _add_patience(group: TyperGroup) -> None:
    for command in group.commands.values():
        if isinstance(command, TyperGroup):
            _add_patience(command)
        elif any(not _MODEL_OPTIONS.isdisjoint(given.opts) for given in command.params):
            command.params.append(_patience_option())


@cache
def _patience_option() -> TyperOption:
    """Make the option once; typer makes options of commands alone."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def command(
        patience: Annotated[
            float | None,
            typer.Option(
                "--patience",
                help="Seconds for which failures of a server or cluster are retried (300).",
                min=0,
                callback=_set_patience,
                expose_value=False,
            ),
        ] = None,
    ) -> None:
        """Carry the option."""

    options = typer.main.get_command(app).params
    (option,) = (p for p in options if isinstance(p, TyperOption) and p.name == "patience")
    return option


def _set_patience(seconds: float | None) -> None:
    # The environment reaches the workers of a cluster too.
    if seconds is not None:
        os.environ["TENPAPERS_PATIENCE"] = str(seconds)


def make_app(purpose: str, *, no_args_is_help: bool = True) -> typer.Typer:
    """Build the Typer application of a package.

    Parameters
    ----------
    purpose : one line shown at the top of `--help`, with an example after a blank line.

    Returns
    -------
    An application that understands `--debug` before the command's name; its commands that ask a
    model know `--patience`.
    """
    app = typer.Typer(
        cls=_Group,
        help=purpose,
        no_args_is_help=no_args_is_help,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @app.callback()
    def options(
        debug: Annotated[
            bool, typer.Option("--debug", help="Show tracebacks and debug messages.")
        ] = False,
    ) -> None:
        level = logging.DEBUG if debug else logging.INFO
        logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
        for noisy in (
            "httpx",
            "httpx2",  # of the openai client, as it is today
            "httpcore",
            "httpcore2",
            "urllib3",
            "filelock",
            "matplotlib",
            "asyncio",
            "faiss",
            "openai",
            "sentence_transformers",
        ):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        # This one sets its own level when it is imported, which is later.
        logging.getLogger("bm25s").addFilter(_is_warning)

    options.__doc__ = purpose
    return app


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def run(app: typer.Typer) -> None:
    """Run a command line and end the process.

    Exit codes: 0 done, 1 bug, 2 mendable error, 3 finished but of no use, 130 interrupted.
    """
    debug = "--debug" in sys.argv[1:]
    # Threads that wait for each other sleep. Spinning beside a busy neighbour, they keep the core
    # from the very thread they wait for: a step of SmolLM2 on two threads then takes several times
    # as long. OpenMP reads this when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        # Without standalone mode an `Exit` comes back as its code instead of being raised.
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except (UserError, TyperException) as error:
        if debug:
            raise
        message = error.format_message() if isinstance(error, TyperException) else str(error)
        # Without a command the help is the answer; typer hands it over as the error's message.
        is_help = message.startswith("Usage:")
        print(message if is_help else "error: " + " ".join(message.split()), file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, UserError) else 2)
    except Exit as error:
        code = error.exit_code
    except (Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        code = _reader_has_left()
    except SystemExit as error:  # what typer makes of a closed pipe
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        code = _reader_has_left()
    except OSError as error:
        # Full disk, missing folder, no permission: the user's to mend, with the file named.
        if debug or error.strerror is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror}", file=sys.stderr)
        sys.exit(2)
    if code == 130:  # typer turns an interruption into this code without a word
        print("interrupted; run the same command again to go on", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _reader_has_left() -> int:
    """`command | head`: the reader has what it wanted; as a shell says it, 128 + SIGPIPE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 141


def require_code_permission(allowed: bool) -> None:
    """Stop unless the user agreed to run model-written code.

    Raises
    ------
    UserError : neither `--allow-code` nor TENPAPERS_ALLOW_CODE=1 was given.
    """
    if not (allowed or os.environ.get("TENPAPERS_ALLOW_CODE") == "1"):
        raise UserError(
            "this command runs model-written code",
            "pass --allow-code or set TENPAPERS_ALLOW_CODE=1 (it runs in the sandbox)",
        )


def data_app(package: str, make: "Make") -> typer.Typer:
    """Build the group `data` of a package's commands, with `data fetch` in it.

    Parameters
    ----------
    make : writes the package's data files from the published ones, see `tenpapers.data.fetch`.
    """
    app = typer.Typer(
        help="The published data of the paper.", no_args_is_help=True, rich_markup_mode=None
    )
    place = f"Folder; default: $TENPAPERS_DATA/{package}, or the user's data folder."

    @app.command(
        "fetch",
        help="Bring the paper's published data, checked by hash; killed, it goes on where it was."
        f"\n\nExample: {package} data fetch",
    )
    def fetch_data(out: Annotated[Path | None, typer.Option("--out", help=place)] = None) -> None:
        from .data import fetch
        from .paper import load_paper

        print(f"-> {fetch(package, load_paper(package), make, out)}")

    return app


def stop_on_failures(failed: int, asked: int) -> None:
    """End with exit code 3 where more than one request in a hundred got no answer.

    Raises
    ------
    typer.Exit : with that code; what came back is kept and the rest is asked by the next run.
    """
    if failed > TOLERATED * asked:
        raise Exit(3)


def comma_separated(text: str | None) -> list[str]:
    """Names with commas between them; blanks around them do not count."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def say(values: object, as_json: bool, *parts: str | Table) -> None:
    """Print a result: as JSON alone, or as texts and tables with a blank line between them."""
    if as_json:
        print(json.dumps(values, indent=2, ensure_ascii=False))
        return
    print("\n\n".join(part.text() if isinstance(part, Table) else part for part in parts if part))
