"""Command lines: one way to build them, one way to fail.

A command prints its result on standard output and everything else on standard error. What a user
can mend is a `UserError`: one line, exit code 2. Anything else is a bug and keeps its traceback.
"""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.exceptions import Abort, Exit, TyperException

from .errors import UserError

__all__ = [
    "AllowCode",
    "Cache",
    "Json",
    "Limit",
    "Model",
    "OutDir",
    "OutFile",
    "Seed",
    "UserError",
    "load_config",
    "make_app",
    "require_code_permission",
    "run",
]

OutDir = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
OutFile = Annotated[Path, typer.Option("--out", help="File for the results.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of every random choice.")]
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

ConfigT = TypeVar("ConfigT")


def make_app(purpose: str, *, no_args_is_help: bool = True) -> typer.Typer:
    """Build the Typer application of a package.

    Parameters
    ----------
    purpose : one line shown at the top of `--help`, with an example after a blank line.

    Returns
    -------
    An application whose every command understands `--debug` before the command's name.
    """
    app = typer.Typer(
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
        for noisy in ("httpx", "httpcore", "urllib3", "filelock", "matplotlib", "asyncio", "faiss"):
            logging.getLogger(noisy).setLevel(logging.WARNING)

    options.__doc__ = purpose
    return app


def run(app: Callable[..., Any]) -> None:
    """Run a command line and end the process: 0 done, 1 bug, 2 mendable error, 130 interrupted."""
    debug = "--debug" in sys.argv[1:]
    try:
        # Without standalone mode an `Exit` comes back as its code instead of being raised.
        code = app(standalone_mode=False)
    except (UserError, TyperException) as error:
        if debug:
            raise
        message = error.format_message() if isinstance(error, TyperException) else str(error)
        if not message and isinstance(error, TyperException):
            # "no such command, so here is the help": the help was printed already
            sys.exit(2)
        print("error: " + " ".join(message.split()), file=sys.stderr)
        sys.exit(2)
    except Exit as error:
        code = error.exit_code
    except (Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        # `command | head`: the reader has what it wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
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


def load_config(kind: type[ConfigT], file: Path | None, **flags: Any) -> ConfigT:
    """Make one frozen config dataclass from a YAML file and the flags given beside it.

    Parameters
    ----------
    kind : a pydantic dataclass or model; its field names are the YAML keys and the flags.
    file : YAML with a mapping, or None for the defaults of `kind`.
    flags : values from the command line; None means "not given" and loses to the file.

    Raises
    ------
    UserError : unreadable YAML, an unknown key or a value of the wrong type.
    """
    import yaml
    from pydantic import TypeAdapter, ValidationError

    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        except FileNotFoundError:
            raise UserError(f"{file}: no such config file") from None
        except yaml.YAMLError as error:
            raise UserError(f"{file}: not YAML: {' '.join(str(error).split())}") from None
        if not isinstance(values, dict):
            raise UserError(f"{file}: a config is a mapping of names to values")
    known = list(getattr(kind, "__dataclass_fields__", None) or getattr(kind, "model_fields", {}))
    for name in values:
        if name not in known:
            raise UserError(f"{file}: {name}: unknown setting", f"one of {', '.join(known)}")
    values.update({name: value for name, value in flags.items() if value is not None})
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{file or 'config'}: {where}: {first['msg']}") from None
