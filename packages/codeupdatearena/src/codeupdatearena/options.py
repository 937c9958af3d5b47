"""Options that several commands have, and two small helpers of the command line."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import UserError

ArenaArg = Annotated[
    str, typer.Argument(help="Arena file (any published form, .gz or not) or the hub's id.")
]
ArenaOption = Annotated[str, typer.Option("--arena", help="Arena file or the hub's id.")]
Ids = Annotated[
    Path | None, typer.Option("--ids", help="File with one example or update id a line.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Discard results of earlier runs.")]
Demo = Annotated[
    Path | None,
    typer.Option("--demo", help="Worked example of the prompts: arena file or raw JSON item."),
]
Prompts = Annotated[
    Path | None, typer.Option("--prompts", help="Folder of templates that replace ours.")
]
Samples = Annotated[int, typer.Option("-n", "--samples", help="Samples an example.", min=1)]
Workers = Annotated[
    int | None, typer.Option("--workers", help="Programs at a time; default all cores.", min=1)
]
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds a test may take.")]
Memory = Annotated[float, typer.Option("--memory", help="GiB of memory a program may take.")]
Profile = Annotated[
    str, typer.Option("--profile", help="Libraries of the programs: current or paper.")
]
Strong = Annotated[
    bool, typer.Option("--require-isolation", help="Fail where the kernel isolates weakly.")
]
Temperature = Annotated[float, typer.Option("--temperature", help="0 is greedy.", min=0)]
TopP = Annotated[float, typer.Option("--top-p", help="Nucleus of the sampling.", min=0, max=1)]
MaxTokens = Annotated[int, typer.Option("--max-tokens", help="New tokens a sample.", min=1)]
Lenient = Annotated[
    bool, typer.Option("--lenient", help="Accept unclosed code blocks (not the paper's way).")
]


def one_of(option: str, value: str, choices: tuple[str, ...]) -> Any:
    """Check a choice.

    Raises
    ------
    UserError : not one of them.
    """
    if value not in choices:
        raise UserError(f"--{option} {value}: unknown", f"one of {', '.join(choices)}")
    return value


def say(value: Any, as_json: bool, text: str) -> None:
    """Print a result as JSON or as text."""
    print(json.dumps(value, indent=2, ensure_ascii=False) if as_json else text)
