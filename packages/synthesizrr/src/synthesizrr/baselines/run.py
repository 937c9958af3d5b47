"""The baselines by their names: each appends generations to a file, as `generate` does."""

from typing import Any

from tenpapers.errors import UserError

from ..inversion.fewgen import fewgen_inputs, fewgen_shots
from ..inversion.teacher import generate, open_generations
from .attrprompt import attrprompt
from .baseline_run import BaselineRun
from .progen import progen
from .s3 import s3
from .sungen import sungen


def generate_baseline(run: BaselineRun) -> dict[str, Any]:
    """Run one baseline; gives counts.

    Raises
    ------
    UserError : AttrPrompt without a file of attributes for the task; ReGen, which generates
        nothing.
    """
    match run.settings.method:
        case "fewgen":
            return fewgen(run)
        case "simprompt" | "zerogen":
            return run.zero_shot()
        case "attrprompt":
            return attrprompt(run)
        case "progen":
            return progen(run)
        case "sungen":
            return sungen(run)
        case "s3":
            return s3(run)
        case "regen":
            raise UserError("regen takes texts from a corpus", "pass --emb EMB")


def fewgen(run: BaselineRun) -> dict[str, Any]:
    """The paper's FewGen: the teacher with seeds as demonstrations, no document."""
    rows = fewgen_inputs(run.task, run.settings.per_label)
    icl = fewgen_shots(run.seeds, run.task, run.tokenizer)
    with open_generations(run.journal, run.name) as log:
        return generate(
            rows,
            icl,
            run.task,
            run.teacher,
            run.settings,
            log=log,
            tokenizer=run.tokenizer,
            window=run.window,
            progress="fewgen",
        )
