"""What every baseline needs, and the zero-shot set that several of them begin with."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from tenpapers.generation import Generator
from tenpapers.journal import Journal

from ..inputs.task import Task
from ..inversion.fewgen import fewgen_inputs
from ..inversion.planning import GenerateConfig
from ..inversion.prompts import Mode
from ..inversion.teacher import generate, open_generations
from ..records import Example
from ..students.classifiers import student_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

Method = Literal["fewgen", "simprompt", "zerogen", "attrprompt", "progen", "sungen", "s3", "regen"]


@dataclass(frozen=True)
class BaselineSettings(GenerateConfig):
    """A baseline, how its prompts are made and how its answers are sampled."""

    mode: Mode = "fewgen"
    shots: Annotated[
        int, typer.Option(help="Demonstrations a prompt; 0 or 32 in the paper.", min=0)
    ] = 32
    method: Annotated[Method, typer.Option(help="Which baseline.")] = "fewgen"
    per_label: Annotated[int, typer.Option("-n", "--per-label", help="Rows a label.", min=1)] = 3000
    attributes: Annotated[Path | None, typer.Option(help="attrprompt: values (YAML or JSON).")] = (
        None
    )
    rounds: Annotated[int, typer.Option(help="progen, s3, regen: rounds.", min=1)] = 2
    student: Annotated[str, typer.Option(help="progen, s3, regen: the student of every round.")] = (
        "probe"
    )
    emb: Annotated[Path | None, typer.Option(help="regen: folder of `corpus embed`.")] = None


@dataclass(frozen=True)
class BaselineRun:
    """One baseline at work.

    Parameters
    ----------
    seeds : labelled texts: demonstrations of FewGen, the small gold set of S3.
    journal, name : of the run, and its file of generations.
    window : longest sequence of the teacher in tokens, where it is known.
    """

    task: Task
    seeds: "Sequence[Example]"
    teacher: Generator
    settings: BaselineSettings
    journal: Journal
    name: str
    tokenizer: "PreTrainedTokenizerBase" = field(repr=False)
    window: int | None = None

    @property
    def student_encoder(self) -> str:
        """Encoder whose frozen vectors ProGen's student reads."""
        return student_spec(self.settings.student).model

    @property
    def out(self) -> Path:
        """The file of generations."""
        return self.journal.root / self.name

    def zero_shot(self, name: str = "", per_label: int | None = None) -> dict[str, Any]:
        """The class-conditional prompt alone (ZeroGen, SimPrompt), into that file or another."""
        rows = fewgen_inputs(self.task, per_label or self.settings.per_label)
        with open_generations(self.journal, name or self.name) as log:
            return generate(
                rows,
                [],
                self.task,
                self.teacher,
                replace(self.settings, shots=0),
                log=log,
                tokenizer=self.tokenizer,
                window=self.window,
                progress="zero-shot",
            )
