"""What comes in, what flows between stages, what goes out."""

from typing import Any

from pydantic import Field, field_validator
from tenpapers.records import Record


class ApiUpdate(Record):
    """One change of one API function (paper: an update u).

    `implementation` is a top-level function that usually calls `old_NAME`; `imports` end with the
    two lines that keep the old function reachable.
    """

    update_id: str
    function_path: str
    package: str
    update_type: str
    description: str
    rationale: str = ""
    docstring: str
    signature: str
    old_signature: str = ""
    imports: list[str]
    implementation: str
    unit_tests: list[str] | None = None


class ProgSynExample(Record):
    """One program-synthesis problem that needs an update (paper: a PS example).

    `made_by` is "synth" where a model wrote it.
    """

    prog_syn_id: str
    update: ApiUpdate
    scenario: str
    problem: str
    solution_signature: str
    imports: list[str]
    unit_tests: list[str] = Field(min_length=1)
    ref_solution: str
    made_by: str = Field(default="", exclude_if=lambda name: not name)


class Prediction(Record):
    """One sampled solution. Only the id, the sample and the code are needed to evaluate it.

    `fields` is what else stood in the user's row; it goes through to the report.
    """

    prog_syn_id: str
    sample: int = Field(ge=0)
    code: str
    method: str = "unknown"
    model: str = ""
    text: str = ""
    finish_reason: str = ""
    n_prompt_tokens: int = 0
    n_output_tokens: int = 0
    seed: int = 0
    fields: dict[str, Any] = Field(default_factory=dict)

    @field_validator("code")
    @classmethod
    def _no_surrogates(cls, code: str) -> str:
        return code.encode("utf-8", "replace").decode("utf-8")


class Report(Record):
    """What became of one prediction.

    Statuses are `passed`, `assert`, `error:<Name>`, `timeout`, `memory` or `crash`, one a test
    that was run; `None` means not run (see `evaluate --full-report`). `failure` is the first test
    that failed with the update (where, what, the message), `output` the last lines that were
    printed there, `suspicious` what looks in a passing solution as if it meant to deceive, and
    the types that it then returns beside the reference's; `finish_reason` and
    `fields` are the prediction's.
    """

    prog_syn_id: str
    update_id: str = ""
    package: str = ""
    update_type: str = ""
    sample: int
    method: str = "unknown"
    with_update: list[str]
    without_update: list[str] | None
    all_pass_with: bool
    all_pass_without: bool | None
    exclusive: bool
    called_update: bool | None = None
    strict: bool | None = None
    empty_code: bool = False
    seconds: float = 0.0
    failure: str = ""
    output: str = ""
    suspicious: tuple[str, ...] = ()
    finish_reason: str = ""
    fields: dict[str, Any] = Field(default_factory=dict)

    @property
    def update(self) -> str:
        """Id of the update; of older reports and ids in the paper's form the example's tells it."""
        return self.update_id or self.prog_syn_id.rpartition(":")[0] or self.prog_syn_id


class Outcome(Record):
    """What became of a reference solution, one status for every test."""

    prog_syn_id: str
    with_update: list[str]
    without_update: list[str]
