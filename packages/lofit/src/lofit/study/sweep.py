"""The metric over one setting (the paper's figures 4 and 5)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from tenpapers.cli import comma_separated
from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.models import CausalLM, Head, HeadGeometry
from tenpapers.records import read_json, write_json

from ..baselines.intervention import Intervention
from ..baselines.lora import fit_lora
from ..baselines.red import fit_red
from ..heads.ranking import default_k
from ..inputs.encoding import Encoding
from ..inputs.load_task import Split, Task, with_training_size
from ..offsets.adapter import LofitAdapter
from ..records import FitLog, SelectConfig, TuneConfig
from ..scoring.evaluate import evaluate_task
from .evaluation import measured
from .figures import curve_figure
from .settings import Over, TrainSettings
from .two_steps import choose_heads, learn_offsets

_AXES: dict[Over, str] = {
    "k": "heads (% of all)",
    "scale": "strength of the offsets",
    "l1": "lambda of step 1",
    "train-size": "training examples",
    "component": "",
}
_ARMS: dict[Over, tuple[str, ...]] = {
    "k": ("LoFiT",),
    "scale": ("LoFiT",),
    "l1": ("LoFiT",),
    "train-size": ("LoFiT", "LoRA", "RED"),
    "component": ("offsets", "scales kept"),
}
_FITTERS: dict[str, Callable[..., tuple[Intervention, FitLog]]] = {
    "LoRA": fit_lora,
    "RED": fit_red,
}
# Learning rate of LoRA and RED in the comparison of training sizes.
BASELINE_LR = 1e-3

Curves = dict[str, list[tuple[float, float]]]


def sweep(
    settings: TrainSettings,
    over: Over,
    values: str,
    journal: Journal,
    *,
    split: Split,
    limit: int | None,
) -> str:
    """Measure a task at each value of one setting; writes `sweep.json` and `sweep.png`.

    Parameters
    ----------
    values : numbers with commas.
    journal : of the run's folder; its key has all but the values, which may become more.

    Returns
    -------
    The curves as text, and where the files are.

    Raises
    ------
    UserError : values that are no numbers.
    """
    try:
        numbers = [float(value) for value in comma_separated(values)]
    except ValueError:
        raise UserError(f"--values {values}: numbers with commas are wanted") from None
    lm = settings.load_model()
    k = settings.top_k or default_k(HeadGeometry.from_config(lm.model.config))
    setting = Setting(
        settings.load_task(),
        settings.select(),
        settings.tune(),
        k,
        encoding=settings.encoding(),
    )
    curves = sweep_task(lm, setting, over, numbers, journal, split=split, limit=limit)
    picture = curve_figure(
        journal.file("sweep.png"),
        curves,
        xlabel=_AXES[over],
        ylabel=f"{settings.task} {split} (%)",
        title=f"{settings.task}: {over}",
    )
    lines = [
        f"{name}: " + ", ".join(f"{x:g}: {y:.1f}" for x, y in points)
        for name, points in curves.items()
    ]
    return "\n".join([*lines, f"-> {journal.root / 'sweep.json'}, {picture.path}"])


@dataclass(frozen=True)
class Setting:
    """What one point of a sweep is trained with.

    Parameters
    ----------
    k : number of heads.
    strength : of the adapter when it is evaluated.
    """

    task: Task
    select: SelectConfig
    tune: TuneConfig
    k: int
    strength: float = 1.0
    encoding: Encoding = field(default_factory=Encoding)

    def at(self, over: Over, value: float, n_heads: int) -> "Setting":
        """The same with another value of one setting; `n_heads` is the model's number."""
        if over == "k":
            return replace(self, k=max(1, round(value / 100 * n_heads)))
        if over == "l1":
            return replace(self, select=replace(self.select, l1=value))
        if over == "train-size":
            return replace(self, task=with_training_size(self.task, int(value), self.select.seed))
        return replace(self, strength=value) if over == "scale" else self


def sweep_task(
    lm: CausalLM,
    setting: Setting,
    over: Over,
    values: Sequence[float],
    journal: Journal,
    *,
    split: Split = "val",
    limit: int | None = None,
) -> Curves:
    """Metric over one setting; what the run has measured already is not measured again.

    Parameters
    ----------
    over : "k" (percent of all heads), "scale" (strength of one adapter), "l1" (lambda of step 1),
        "train-size" (nested subsets; LoFiT beside LoRA and RED), or "component" (step 1's scales
        kept as they are against offsets; `values` are ignored).

    Returns
    -------
    Curves by name: (value, metric in percent).
    """
    file = journal.file("sweep.json")
    known: dict[str, list[list[float]]] = read_json(file) if file.exists() else {}
    n_heads = lm.model.config.num_hidden_layers * lm.model.config.num_attention_heads
    for value in [0.0] if over == "component" else values:
        there = {arm for arm, points in known.items() if value in [x for x, _ in points]}
        missing = [arm for arm in _ARMS[over] if arm not in there]
        point = setting.at(over, value, n_heads)
        place = f"{over}-{value:g}"
        for arm, intervention, strength in _fitted(lm, point, over, journal, place, missing):
            evaluate = partial(
                evaluate_task,
                lm,
                point.task,
                intervention,
                split=split,
                limit=limit,
                strength=strength,
                chat=point.encoding.chat,
            )
            per_item = measured(journal, f"{place}/{arm}", evaluate)["per_item"]
            known.setdefault(arm, []).append([value, sum(per_item) / len(per_item)])
            write_json(file, known)
    return {arm: [(x, y) for x, y in points] for arm, points in known.items()}


def _fitted(
    lm: CausalLM,
    setting: Setting,
    over: Over,
    journal: Journal,
    place: str,
    arms: Sequence[str],
) -> Iterator[tuple[str, Intervention, float]]:
    """The interventions of one point, by arm, with the strength each acts at."""
    if {"LoFiT", "offsets", "scales kept"} & set(arms):
        # The ranking is the same for all K and strengths, and so are the offsets for all strengths.
        how = setting.encoding
        ranked = "heads" if over in ("k", "scale", "component") else place
        ranking = choose_heads(lm, setting.task, setting.select, journal, ranked, encoding=how)
        adapter, _ = learn_offsets(
            lm,
            setting.task,
            ranking.top(setting.k),
            setting.tune,
            journal,
            "offsets" if over in ("scale", "component") else place,
            ranking=ranking,
            encoding=how,
        )
        yield "offsets" if over == "component" else "LoFiT", adapter, setting.strength
        if over == "component":
            assert ranking.scale is not None
            n_layers, n_heads = ranking.scores.shape
            everything = [Head(i, j) for i in range(n_layers) for j in range(n_heads)]
            scales = LofitAdapter.for_model(
                lm.model.config, everything, ranking.scale, component="scale"
            )
            yield "scales kept", scales, 1.0
    config = replace(setting.tune, lr=BASELINE_LR)
    for arm, fit in _FITTERS.items():
        if arm in arms:
            state = f"{place}/.{arm}"
            learned, _ = fit(
                lm.model,
                lm.tokenizer,
                setting.task.train,
                config,
                state=journal.workspace(state),
                encoding=setting.encoding,
            )
            yield arm, learned, 1.0
            journal.drop(state)
