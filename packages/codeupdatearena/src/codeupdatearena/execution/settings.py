"""Where and within which limits programs run: the options of every command that executes code."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from tenpapers.sandbox import SandboxPool

# Library versions that the programs see: this environment's, or those of the paper.
Profile = Literal["current", "paper"]
# A process for each test of a sample, or one for all of them.
Isolation = Literal["test", "sample"]

Workers = Annotated[
    int | None, typer.Option("--workers", help="Programs at a time; default all cores.", min=1)
]


@dataclass(frozen=True)
class SandboxSettings:
    """The sandbox of one run."""

    workers: Workers = None
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds a test may take.")] = 15.0
    memory: Annotated[float, typer.Option("--memory", help="GiB of memory a program may take.")] = (
        4.0
    )
    profile: Annotated[Profile, typer.Option("--profile", help="Libraries of the programs.")] = (
        "current"
    )
    require_isolation: Annotated[
        bool, typer.Option("--require-isolation", help="Fail where the kernel isolates weakly.")
    ] = False

    def open_pool(self, python: str | None) -> "SandboxPool":
        """Start the workers; `python` is the interpreter of the profile."""
        from tenpapers.sandbox import Limits, SandboxPool

        return SandboxPool(
            workers=self.workers,
            limits=Limits(timeout=self.timeout, memory_gb=self.memory),
            isolation="full" if self.require_isolation else "auto",
            python=python,
        )
