"""Settings of a build."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.errors import UserError

from ...records import Task, Variant


@dataclass(frozen=True)
class BuildConfig:
    """What is built, from what, and how much of it."""

    task: Annotated[Task, typer.Option(help="Task of the study.")]
    variant: Annotated[
        Variant, typer.Option(help="Real data, or synthetic by expression and diversity.")
    ]
    source: Annotated[
        str, typer.Option(help="The task's published file, or JSONL of facts (MDQA: ours).")
    ] = ""
    context_tokens: Annotated[int, typer.Option(help="Length of prompt and target.", min=64)] = 512
    tokenizer: Annotated[str, typer.Option(help="Whose tokens: model spec or folder.")] = "smollm2"
    n: Annotated[int, typer.Option(help="Training examples.", min=1)] = 400
    n_dev: Annotated[int | None, typer.Option(help="[n / 8]", min=0)] = None
    n_test: Annotated[int | None, typer.Option(help="[n / 2]", min=0)] = None
    seed: Annotated[int, typer.Option(help="Seed of every choice.")] = 0
    generator: Annotated[str, typer.Option(help="template, cache, cache:FILE or a model spec.")] = (
        "template"
    )
    fictional: Annotated[
        bool | None,
        typer.Option("--fictional/--no-fictional", help="Invented names [low expression]."),
    ] = None
    wh: Annotated[str, typer.Option(help="Question word of real-limited MDQA.")] = "who"
    hops: Annotated[
        str, typer.Option(help="MuSiQue ids that begin so (linear three-hop); any takes all.")
    ] = "3hop1"
    domain: Annotated[str, typer.Option(help="Of real-limited SummHay.")] = "conversation"
    chat: Annotated[
        bool | None,
        typer.Option("--chat/--no-chat", help="Chat template [for instruct and chat models]."),
    ] = None
    prompts: Annotated[Path | None, typer.Option(help="Folder of templates that replace ours.")] = (
        None
    )
    allow_fewer: Annotated[
        bool, typer.Option("--allow-fewer/--no-allow-fewer", help="Take what there is.")
    ] = False
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1

    def sizes(self) -> dict[str, int]:
        """Wanted examples of each split."""
        dev = max(1, self.n // 8) if self.n_dev is None else self.n_dev
        test = max(1, self.n // 2) if self.n_test is None else self.n_test
        return {"train": self.n, "dev": dev, "test": test}

    def key(self) -> dict[str, Any]:
        """What the data depend on besides `inputs`, models by their content; for the journal."""
        from tenpapers.journal import key_of, known_by
        from tenpapers.models.identity import model_identity, weights_identity

        key = key_of("build-data", self, without=("source",))
        with suppress(UserError):  # a tokenizer without a model
            key["tokenizer"] = known_by(self.tokenizer, weights_identity(self.tokenizer))
        if self.generator != "template" and not self.generator.startswith("cache"):
            key["generator"] = known_by(self.generator, model_identity(self.generator))
        return key

    def inputs(self) -> list[Path | None]:
        """Files that the data depend on."""
        kept = self.generator.removeprefix("cache:")
        given = [self.source, kept if kept != self.generator else ""]
        return [*(Path(name) for name in given if name), self.prompts]
