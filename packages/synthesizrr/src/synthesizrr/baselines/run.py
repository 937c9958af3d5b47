"""The baselines by their names: each appends generations to a file, as `generate` does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.generation import Generator

from ..inputs.task import Task
from ..inversion.fewgen import fewgen_inputs, fewgen_shots
from ..inversion.teacher import GenerateConfig, generate
from ..records import Example


@dataclass(frozen=True)
class BaselineRun:
    """What every baseline needs.

    Parameters
    ----------
    seeds : labelled texts: demonstrations of FewGen, the small gold set of S3.
    config : sampling, shots, seed.
    out : `generations.jsonl`.
    per_label : rows that are asked for of each label.
    rounds : of ProGen and S3; student : recipe of the classifier they train in each.
    """

    task: Task
    seeds: Sequence[Example]
    teacher: Generator
    config: GenerateConfig
    out: Path
    tokenizer: Any
    per_label: int
    rounds: int = 2
    student: str = "probe"

    @property
    def student_encoder(self) -> str:
        """Encoder whose frozen vectors ProGen's student reads."""
        from ..students.classifiers import student_spec

        return student_spec(self.student).model

    def zero_shot(self, out: Path | None = None, per_label: int | None = None) -> dict[str, Any]:
        """The class-conditional prompt alone (ZeroGen, SimPrompt)."""
        config = self.config.model_copy(update={"shots": 0})
        rows = fewgen_inputs(self.task, per_label or self.per_label)
        return generate(
            rows,
            [],
            self.task,
            self.teacher,
            config,
            out or self.out,
            tokenizer=self.tokenizer,
            progress="zero-shot",
        )


def generate_baseline(
    method: str, run: BaselineRun, attributes: Path | None = None
) -> dict[str, Any]:
    """Run one baseline.

    Raises
    ------
    UserError : unknown method; AttrPrompt without a file of attributes for the task.
    """
    if method == "attrprompt":
        from .attrprompt import attrprompt

        return attrprompt(run, attributes)
    if method not in _METHODS:
        known = ", ".join((*_METHODS, "attrprompt"))
        raise UserError(f"method {method}: unknown", known)
    return _METHODS[method](run)


def _fewgen(run: BaselineRun) -> dict[str, Any]:
    rows = fewgen_inputs(run.task, run.per_label)
    icl = fewgen_shots(run.seeds, run.task, run.tokenizer)
    return generate(
        rows,
        icl,
        run.task,
        run.teacher,
        run.config,
        run.out,
        tokenizer=run.tokenizer,
        progress="fewgen",
    )


def _simprompt(run: BaselineRun) -> dict[str, Any]:
    return run.zero_shot()


def _progen(run: BaselineRun) -> dict[str, Any]:
    from .progen import progen

    return progen(run)


def _sungen(run: BaselineRun) -> dict[str, Any]:
    from .sungen import sungen

    return sungen(run)


def _s3(run: BaselineRun) -> dict[str, Any]:
    from .s3 import s3

    return s3(run)


_METHODS: dict[str, Callable[[BaselineRun], dict[str, Any]]] = {
    "fewgen": _fewgen,
    "simprompt": _simprompt,
    "zerogen": _simprompt,
    "progen": _progen,
    "sungen": _sungen,
    "s3": _s3,
}
