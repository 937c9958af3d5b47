"""Options that several commands have."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.errors import UserError

Data = Annotated[Path, typer.Option("--data", help="Dataset file (JSONL).")]
Adapter = Annotated[Path | None, typer.Option("--adapter", help="Folder that `train` wrote.")]
Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...")]
Dtype = Annotated[str | None, typer.Option("--dtype", help="float32 or bfloat16.")]
MaxExamples = Annotated[
    int | None,
    typer.Option("--max-examples", "--limit", help="Only the first N examples.", min=1),
]
Threshold = Annotated[
    float | None, typer.Option("--threshold", help="Heads that score at least so much (0.1).")
]
TopK = Annotated[int | None, typer.Option("--top-k", help="The k best heads instead.", min=1)]
NonZero = Annotated[bool, typer.Option("--nonzero", help="All heads that score over 0 instead.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with a killed run of the same settings.")
]
Rope = Annotated[
    str,
    typer.Option("--rope", help="Context extension without an adapter: ntk, theta=V or none."),
]
ContextTokens = Annotated[
    int | None, typer.Option("--context-tokens", help="Tokens to read, for --rope.", min=8)
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML of settings; flags win over it.")
]
PromptsFolder = Annotated[
    Path | None, typer.Option("--prompts", help="Folder of templates that replace ours.")
]
AnyBase = Annotated[
    bool,
    typer.Option("--allow-different-base", help="Compare heads of different base models."),
]


def numbers(text: str, option: str) -> list[int]:
    """Whole numbers with commas between them.

    Raises
    ------
    UserError : anything else.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{option} {text}: not a list of whole numbers", "e.g. 0,5,10") from None


def set_rule(threshold: float | None, top_k: int | None, nonzero: bool) -> dict[str, Any]:
    """The rule of a head set, as `head_set` takes it.

    Raises
    ------
    UserError : two rules.
    """
    if sum((threshold is not None, top_k is not None, nonzero)) > 1:
        raise UserError("--threshold, --top-k and --nonzero exclude each other")
    if top_k is not None:
        return {"top_k": top_k}
    return {"nonzero": True} if nonzero else {"threshold": 0.1 if threshold is None else threshold}


def say(values: Any, as_json: bool, text: str) -> None:
    """Print the result: JSON alone, or the text."""
    print(json.dumps(plain(values)) if as_json else text)


def plain(value: Any) -> Any:
    """As JSON, where NaN is null."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and value != value else value
