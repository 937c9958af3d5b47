"""Where and within which limits programs run: the options of every command that executes code."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from tenpapers.errors import UserError

if TYPE_CHECKING:
    from tenpapers.sandbox import Barrier, SandboxPool

# Library versions that the programs see: this environment's, or those of the paper.
Profile = Literal["current", "paper"]
# A process for each test of a sample, or one for all of them.
Isolation = Literal["test", "sample"]

Workers = Annotated[
    int | None, typer.Option("--workers", help="Programs at a time; default all cores.", min=1)
]


@dataclass(frozen=True)
class BarrierSettings:
    """What has to stand between the programs and this machine."""

    require_isolation: Annotated[
        bool, typer.Option("--require-isolation", help="Fail where the kernel gives no namespaces.")
    ] = False
    weak_sandbox: Annotated[
        bool, typer.Option("--weak-sandbox", help="Go on where the kernel gives no barrier at all.")
    ] = False

    @property
    def barriers(self) -> "tuple[Barrier, ...]":
        """Barriers to try, strongest first."""
        from tenpapers.sandbox import KERNEL_BARRIERS

        if self.require_isolation:
            return KERNEL_BARRIERS[:1]
        return (*KERNEL_BARRIERS, *(("weak",) if self.weak_sandbox else ()))


@dataclass(frozen=True)
class LibrarySettings(BarrierSettings):
    """Where programs may import from, besides this environment."""

    path: Annotated[
        Path | None,
        typer.Option("--path", help="Folder that programs may import from: a library of yours."),
    ] = None

    @property
    def library(self) -> list[Path]:
        """Folders for the pool's `path`."""
        return [self.path] if self.path else []

    @property
    def inputs(self) -> list[Path]:
        """Files that results depend on: those among the settings, the library's Python files.

        Raises
        ------
        UserError : there is no such folder.
        """
        from tenpapers.journal import files_of

        files = [file for file in files_of(self) if file != self.path]
        if self.path is None:
            return files
        if not self.path.is_dir():
            raise UserError(f"{self.path}: no such folder")
        sources = (file.relative_to(self.path) for file in self.path.rglob("*.py"))
        shown = (file for file in sources if not any(part.startswith(".") for part in file.parts))
        return [*files, *(self.path / file for file in sorted(shown))]


@dataclass(frozen=True)
class SandboxSettings(LibrarySettings):
    """The sandbox of one run."""

    workers: Workers = None
    timeout: Annotated[
        float,
        typer.Option("--timeout", help="CPU seconds a test may take."),
    ] = 15.0
    memory: Annotated[float, typer.Option("--memory", help="GiB of memory a program may take.")] = (
        4.0
    )
    profile: Annotated[Profile, typer.Option("--profile", help="Libraries of the programs.")] = (
        "current"
    )

    def open_pool(self, python: str | None, hidden: Sequence[Path] = ()) -> "SandboxPool":
        """Start the workers.

        Parameters
        ----------
        python : the interpreter of the profile.
        hidden : files that hold answers.
        """
        from tenpapers.sandbox import Limits, SandboxPool

        return SandboxPool(
            workers=self.workers,
            limits=Limits(timeout=self.timeout, memory_gb=self.memory),
            barriers=self.barriers,
            python=python,
            path=self.library,
            hidden=hidden,
        )
