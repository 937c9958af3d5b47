"""A problem that needs an update, with tests and a reference solution."""

import re
from pathlib import Path

from tenpapers.sandbox import SandboxPool

from ..inputs.update_types import old_name
from ..records import ApiUpdate, ProgSynExample
from ..sampling.prompts import fill
from .candidates import select
from .parse_responses import read_code, read_object
from .records import GeneratedExample
from .settings import ProblemSettings
from .stored_model import LLM, Unfit
from .unit_tests import Subject, find_imports, require, write_tests

_KEYS = ("scenario", "problem", "solution_signature")


class ProgSynGenerator:
    """Invents problems with a model; parameters as `UpdateGenerator`."""

    def __init__(
        self,
        llm: LLM,
        pool: SandboxPool,
        *,
        threshold: float = ProblemSettings.threshold,
        folder: Path | None = None,
    ) -> None:
        self.llm, self.pool, self.threshold, self.folder = llm, pool, threshold, folder

    def run(self, update: ApiUpdate, n_params: int, index: int = 0) -> GeneratedExample:
        """Make one problem for an update.

        Parameters
        ----------
        n_params : wanted number of parameters of the solution.
        index : the j of `prog_syn-j`.

        Raises
        ------
        Rejected : some step failed three times.
        """
        system = fill("synth/problem_system", self.folder)
        user = fill("synth/problem", self.folder, update=update, n_params=n_params, index=index)
        spec = self.llm.accept(f"problem {index}", system, user, lambda t: _specify(t, update))
        example = ProgSynExample(
            prog_syn_id=f"{update.update_id}:[prog_syn-{index}]",
            update=update,
            imports=update.imports,
            unit_tests=["def test_to_be_written():\n    pass"],
            ref_solution="",
            made_by="synth",
            **spec,
        )
        subject = Subject(
            path=update.function_path,
            text=fill("synth/problem_facts", self.folder, example=example),
            signature=spec["solution_signature"],
            is_update=False,
        )
        tests = write_tests(subject, self.llm, self.folder)
        texts = [spec["solution_signature"], *tests]
        imports = find_imports(
            texts,
            update.function_path,
            update.imports,
            llm=self.llm,
            pool=self.pool,
            folder=self.folder,
        )
        example = example.model_copy(update={"unit_tests": tests, "imports": imports})
        question = fill("synth/solution", self.folder, example=example)

        def sample(number: int) -> ProgSynExample:
            code = read_code(self.llm.ask("solution", "", question, number))
            return example.model_copy(update={"ref_solution": code})

        best = select(sample, self.pool, threshold=self.threshold, name="solution")
        return GeneratedExample(example=best.example, tests_pass=best.passed)


def _specify(text: str, update: ApiUpdate) -> dict[str, str]:
    spec = read_object(text, _KEYS)
    require(re.search(r"\w+\s*\(", spec["solution_signature"]) is not None, "no signature")
    named = f"{spec['scenario']} {spec['problem']}"
    if update.function_path in named or f"{old_name(update.function_path)}(" in named:
        raise Unfit("the problem names the function")
    return spec
