"""The registry of tasks: one place for groups, categories, kinds of answers and budgets."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field
from tenpapers.errors import UserError
from tenpapers.records import Record

from ..records import AnswerKind

GROUPS = ("Commonsense", "Knowledge", "Soft reasoning", "Symbolic", "Mathematical")
# Words of the prompts for a task of one's own that names none.
_STYLES = {
    "number": "math",
    "math": "math",
    "text": "bbh",
    "short": "musique",
    "judge": "biggen",
}
PromptStyle = Literal["plain", "sentence", "lsat", "musr", "math", "bbh", "musique", "biggen"]
# Groups of the tasks of recorded outputs, by their source: one for all, or one for each task.
REPLAY_GROUPS: dict[str, str | dict[str, str]] = {
    "big_bench_hard": "Symbolic",
    "zero_shot_cot": {
        "commonsensqa": "Commonsense",
        "strategyqa": "Commonsense",
        "addsub": "Mathematical",
        "singleeq": "Mathematical",
        "multiarith": "Mathematical",
        "svamp": "Mathematical",
        "gsm8k": "Mathematical",
        "aqua": "Mathematical",
        "coin_flip": "Symbolic",
        "last_letters": "Symbolic",
        "shuffled_objects": "Symbolic",
        "date_understanding": "Symbolic",
    },
}


class TaskSpec(Record):
    """A task.

    Parameters
    ----------
    hub : data set on the hub, "" where it is not there; `config` ("*" for all of them) and `split`
        of it.
    group : one of the paper's five; `category` : of the meta-analysis.
    kind : of the answers; `style` : of the prompts.
    budget : new tokens of a direct answer and of a chain of thought; `small_budget` : of some
        settings, for a context window of 4,096 tokens.
    shots : demonstrations, 0 for none; `shots_direct` : of direct answers, where they have more;
        `small_shots` : at most, for the small window; `demo_split` : where they come from.
    prefill : how the assistant's turn begins in a direct answer.
    file : of the data folder; of a task of one's own: JSONL beside its YAML file.
    merge : task that this one is a part of in the view of 20 data sets.
    marker : before the reply of free-form tasks.
    """

    name: str
    hub: str = ""
    config: str = ""
    split: str = "test"
    demo_split: str = ""
    group: str
    category: str
    kind: AnswerKind
    style: PromptStyle = "plain"
    budget: tuple[int, int] = (10, 1024)
    small_budget: dict[str, int] = Field(default_factory=dict)
    shots: int = Field(default=0, ge=0)
    shots_direct: int | None = None
    small_shots: int | None = None
    prefill: str = ""
    file: str = ""
    merge: str = ""
    marker: str = "### Reply"

    @property
    def is_own(self) -> bool:
        """Whether it is a user's, in a file that is its name."""
        return self.name.endswith((".yaml", ".yml"))

    @property
    def file_name(self) -> str:
        """Name of its outputs."""
        return f"{Path(self.name).stem if self.is_own else self.name}.jsonl"

    def new_tokens(self, setting: str, *, small_window: bool = False) -> int:
        """Budget of a setting."""
        usual = self.budget[setting.endswith("cot")]
        return self.small_budget.get(setting, usual) if small_window else usual

    def shown(self, setting: str, *, small_window: bool = False) -> int | None:
        """How many demonstrations a setting shows at most; None for all that there are."""
        if small_window and self.small_shots is not None:
            return self.small_shots
        if self.shots_direct is None:
            return None
        return self.shots if setting.endswith("cot") else self.shots_direct


@cache
def registry(path: Path | None = None) -> dict[str, TaskSpec]:
    """All tasks by name; a file of your own takes the place of ours.

    Raises
    ------
    UserError : a file that does not fit.
    """
    file = path or files("tocot").joinpath("data/tasks.yaml")
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return {name: TaskSpec(name=name, **fields) for name, fields in content.items()}
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())[:200]}") from None


def task_spec(name: str) -> TaskSpec:
    """One task.

    Raises
    ------
    UserError : unknown name; a file of one's own that does not fit.
    """
    if name.endswith((".yaml", ".yml")):
        return own_task(Path(name))
    if name not in registry():
        own = "or a YAML file of your own"
        raise UserError(f"task {name}: unknown", f"one of {', '.join(registry())}, {own}")
    return registry()[name]


@cache
def own_task(path: Path) -> TaskSpec:
    """A task in a YAML file: its kind of answers, the JSONL of its questions (`file`), the rest.

    The task is called as its file is, so that all that follows finds it by its name.

    Raises
    ------
    UserError : no such file, a field that does not fit, a group that is none of the five.
    """
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
        given = {
            "group": "",
            "category": "",
            "style": _STYLES.get(fields["kind"], "plain"),
        } | fields
        spec = TaskSpec(name=str(path), **given)
    except KeyError:
        raise UserError(
            f"{path}: missing field 'kind'", "of the answers: letter, number, ..."
        ) from (None)
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())[:200]}") from None
    if spec.group not in ("", *GROUPS):
        raise UserError(f"{path}: group {spec.group!r} is none", f"one of {', '.join(GROUPS)}")
    return spec.model_copy(update={"file": str(path.parent / spec.file) if spec.file else ""})


def group_of(task: str, source: str = "") -> str:
    """The paper's group of a task, of recorded outputs by their source; "" for one in none."""
    known = REPLAY_GROUPS.get(source)
    if isinstance(known, str):
        return known
    if known is not None and task in known:
        return known[task]
    return registry()[task].group if task in registry() else ""


def category_of(task: str) -> str:
    """The meta-analysis category of a task of ours; "" for others."""
    return registry()[task].category if task in registry() else ""
