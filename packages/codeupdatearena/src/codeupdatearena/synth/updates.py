"""A new update of a function, with tests and an implementation."""

from pathlib import Path

from tenpapers.sandbox import SandboxPool

from ..inputs.update_types import UpdateType, describe_type, parent_path
from ..records import ApiUpdate, ProgSynExample
from ..sampling.prompts import fill
from .candidates import select
from .function_sheet import FunctionSheet, make_sheet
from .parse_responses import read_code, read_object
from .records import GeneratedUpdate
from .settings import UpdateSettings
from .stored_model import LLM
from .unit_tests import Subject, find_imports, write_tests

_KEYS = ("description", "rationale", "signature", "docstring")


class UpdateGenerator:
    """Invents updates with a model.

    Parameters
    ----------
    llm : see `stored_model.LLM`.
    pool : runs the model's code.
    sheets : known function sheets; others are made.
    threshold : least share of tests an implementation must pass (paper: 0.7).
    folder : prompt templates that replace ours.
    """

    def __init__(
        self,
        llm: LLM,
        pool: SandboxPool,
        *,
        sheets: dict[str, FunctionSheet] | None = None,
        threshold: float = UpdateSettings.threshold,
        folder: Path | None = None,
    ) -> None:
        self.llm, self.pool, self.threshold, self.folder = llm, pool, threshold, folder
        self.sheets = dict(sheets or {})

    def run(self, function_path: str, update_type: str, index: int = 0) -> GeneratedUpdate:
        """Make one update.

        Parameters
        ----------
        index : the i of `update-i`.

        Raises
        ------
        UserError : unknown function or type.
        Rejected : some step failed three times.
        """
        kind = UpdateType.parse(update_type)
        sheet = self.sheets.get(function_path) or make_sheet(function_path, self.llm, self.folder)
        self.sheets[function_path] = sheet
        spec = self._specify(sheet, kind, index)
        subject = Subject(
            path=function_path,
            text=fill("synth/update_facts", self.folder, sheet=sheet, spec=spec),
            signature=spec["signature"],
            is_update=True,
        )
        tests = write_tests(subject, self.llm, self.folder)
        imports = find_imports(
            tests,
            function_path,
            list(sheet.imports),
            llm=self.llm,
            pool=self.pool,
            folder=self.folder,
        )
        update = ApiUpdate(
            update_id=f"[{function_path}]:[{update_type}]:[update-{index}]",
            function_path=function_path,
            package=subject.package,
            update_type=update_type,
            old_signature=sheet.signature,
            imports=imports,
            implementation="",
            unit_tests=tests,
            **spec,
        )
        return self._implement(update, subject)

    def _specify(self, sheet: FunctionSheet, kind: UpdateType, index: int) -> dict[str, str]:
        values = {"sheet": sheet, "parent": parent_path(sheet.function_path), "index": index}
        system = fill("synth/update_system", self.folder, kind=describe_type(kind))
        user = fill("synth/update", self.folder, **values)
        return self.llm.accept(
            f"update {kind.tag} {index}", system, user, lambda text: read_object(text, _KEYS)
        )

    def _implement(self, update: ApiUpdate, subject: Subject) -> GeneratedUpdate:
        user = fill("synth/implementation", self.folder, update=update, subject=subject)

        def sample(number: int) -> ProgSynExample:
            code = read_code(self.llm.ask("implementation", "", user, number))
            made = update.model_copy(update={"implementation": code})
            return _as_example(made)

        best = select(sample, self.pool, threshold=self.threshold, name="implementation")
        return GeneratedUpdate(update=best.example.update, tests_pass=best.passed)


def _as_example(update: ApiUpdate) -> ProgSynExample:
    """An update's own tests run like a problem's, with nothing to solve."""
    return ProgSynExample(
        prog_syn_id=f"{update.update_id}:[prog_syn-0]",
        update=update,
        scenario="",
        problem="",
        solution_signature="",
        imports=update.imports,
        unit_tests=update.unit_tests or [],
        ref_solution="",
    )
