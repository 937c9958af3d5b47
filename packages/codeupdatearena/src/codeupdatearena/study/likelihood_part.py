"""Part 2 of `reproduce`: what editing does to the likelihood of the references (section 8)."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
from tenpapers.models import CausalLM
from tenpapers.records import Appender, Record, read_jsonl
from tenpapers.report import Picture, Table, Value, bars

from ..editing.editor import EditConfig, Editor
from ..editing.edits import EditPlan, make_edit, read_random_map
from ..inputs.arena import Arena
from ..records import ProgSynExample
from ..scoring.reference_likelihood import measure, normalised
from .settings import Study

PACKAGES = ("math", "re", "itertools")
ARMS = ("base", "prepend", "ft-u", "ft-ps", "random-ft-ps")
TITLES = {
    "base": "base",
    "prepend": "prepend",
    "ft-u": "FT(U)",
    "ft-ps": "FT(PS)",
    "random-ft-ps": "random-FT(PS)",
}


class Likelihood(Record):
    """One arm on one test example: nats a token of the reference and of its calls."""

    prog_syn_id: str
    update_type: str
    arm: str
    learning_rate: float
    per_token: float
    call_tokens: float | None
    n_call_tokens: int
    trained_tokens: int
    seconds: float

    @property
    def key(self) -> tuple[str, str, float]:
        """What this measures; the learning rate is 0 where nothing is trained."""
        return self.prog_syn_id, self.arm, self.learning_rate


def choose(arena: Arena) -> list[ProgSynExample]:
    """Test example 0 of the updates with the shortest text, distinct functions, types mixed.

    The shortest of each update type come first, so that few updates are not all renames.
    """
    groups = [g for g in arena.by_update().values() if g[0].update.package in PACKAGES]
    groups = [g for g in groups or list(arena.by_update().values()) if len(g) >= 3]

    def length(group: Sequence[ProgSynExample]) -> int:
        texts = [group[0].update.docstring]
        texts += [e.scenario + e.problem + e.ref_solution for e in (group[0], *group[-2:])]
        return sum(map(len, texts))

    groups.sort(key=length)
    functions: set[str] = set()
    turn: dict[str, int] = defaultdict(int)
    picked = []
    for group in groups:
        update = group[0].update
        if update.function_path not in functions:
            functions.add(update.function_path)
            picked.append((turn[update.update_type], length(group), group[0]))
            turn[update.update_type] += 1
    return [example for _, _, example in sorted(picked, key=lambda item: item[:2])]


@dataclass
class _Budget:
    """Seconds spent on measuring, those of an interrupted run included."""

    before: float
    began: float

    def spent(self) -> float:
        return self.before + time.monotonic() - self.began


def run_likelihoods(lm: CausalLM, arena: Arena, study: Study, out: Path) -> list[Likelihood]:
    """Measure every arm on as many updates as the budget allows; nothing is measured twice.

    Four fifths of the budget go to the first learning rate. Adapters of FT(PS) at that rate stay
    below `out/ft-ps` for the end-to-end part.
    """
    from tqdm import tqdm

    whole = Arena(tuple(normalised(example) for example in arena.examples))
    mapping = read_random_map(Path(study.random_map)) if study.random_map else {}
    plans = {
        arm: EditPlan(
            whole,
            arm.removeprefix("random-"),  # type: ignore[arg-type]
            None,
            random=arm.startswith("random-"),
            random_map=mapping,
            seed=study.seed,
            show_test=False,
        )
        for arm in ARMS
        if "ft-" in arm
    }
    editor = Editor(lm.model, lm.tokenizer, EditConfig(seed=study.seed))
    file = out / "likelihood.jsonl"
    with Appender(file) as sink, tqdm(total=round(study.budget), unit="s") as bar:
        known = {one.key: one for one in read_jsonl(file, Likelihood, allow_empty=True)}
        clock = _Budget(sum(one.seconds for one in known.values()), time.monotonic())
        share, rest = 0.8, 0.2 / max(1, len(study.learning_rates) - 1)
        limit = 0.0
        for position, rate in enumerate(study.learning_rates):
            limit += study.budget * (rest if position else share)
            editor.cfg = replace(editor.cfg, learning_rate=rate)
            for example in choose(whole):
                wanted = [(example.prog_syn_id, arm, rate if arm in plans else 0.0) for arm in ARMS]
                if all(key in known for key in wanted):
                    continue
                if clock.spent() > limit:
                    break
                for key in wanted:
                    arm = key[1]
                    if key in known:
                        continue
                    bar.set_description_str(f"likelihood, {arm}")
                    keep = out / "ft-ps" if arm == "ft-ps" and position == 0 else None
                    one = _measure(lm, editor, plans.get(arm), example, key, keep)
                    sink.write(one)
                    known[key] = one
                    bar.n = min(round(study.budget), round(clock.spent()))
                    bar.refresh()
    return list(known.values())


def _measure(
    lm: CausalLM,
    editor: Editor,
    plan: EditPlan | None,
    example: ProgSynExample,
    key: tuple[str, str, float],
    keep: Path | None,
) -> Likelihood:
    """Edit the model as the arm wants, and score the reference."""
    began = time.monotonic()
    _, arm, rate = key
    tokens = 0
    if plan is None:
        editor.reset()
    elif keep is not None:
        edit = make_edit(editor, plan, example, keep)
        with Appender(keep / "edits.jsonl") as edits:
            edits.write(edit)
        tokens = edit.tokens
    else:
        tokens = editor.edit(plan.texts(example)).tokens
    found = measure(lm, example, part_u=arm == "prepend", header=arm.endswith("ft-ps"))
    return Likelihood(
        prog_syn_id=example.prog_syn_id,
        update_type=example.update.update_type,
        arm=arm,
        learning_rate=rate,
        per_token=found.per_token,
        call_tokens=found.call_tokens if found.n_call_tokens else None,
        n_call_tokens=found.n_call_tokens,
        trained_tokens=tokens,
        seconds=round(time.monotonic() - began, 3),
    )


def complete_at(measured: Sequence[Likelihood], rate: float) -> list[str]:
    """Examples of which every arm was measured at a learning rate."""
    have = defaultdict(set)
    for one in measured:
        if one.learning_rate in (rate, 0.0):
            have[one.prog_syn_id].add(one.arm)
    return [name for name, arms in have.items() if arms == set(ARMS)]


def _values(
    measured: Sequence[Likelihood], rate: float, arm: str, names: Sequence[str], field: str
) -> list[float]:
    by_key = {one.key: one for one in measured}
    found = []
    for name in names:
        one = by_key[name, arm, rate if "ft-" in arm else 0.0]
        value = getattr(one, field)
        if value is not None:
            found.append(float(value))
    return found


def likelihood_table(measured: Sequence[Likelihood], rates: Sequence[float]) -> Table:
    """Mean NLL of every arm at every learning rate."""
    columns = ["arm"]
    columns += [f"lr {rate:g}: {kind}" for rate in rates for kind in ("per token", "call tokens")]
    rows: list[list[Value]] = []
    for arm in ARMS:
        row: list[Value] = [TITLES[arm]]
        for rate in rates:
            names = complete_at(measured, rate)
            for kind in ("per_token", "call_tokens"):
                found = _values(measured, rate, arm, names, kind)
                row.append(mean(found) if found else None)
        rows.append(row)
    counts = ", ".join(f"n = {len(complete_at(measured, rate))} at lr {rate:g}" for rate in rates)
    kinds = sorted({one.update_type for one in measured})
    note = (
        f"Mean negative log-likelihood of the reference solution in nats a token ({counts} "
        f"updates; types: {', '.join(kinds)}). The paper does not report this; it is a proxy."
    )
    return Table("Likelihood of the references", columns, rows, note)


class Effect(NamedTuple):
    """Mean difference of call-token NLL between two arms (nats), with its 95% interval."""

    smaller: str
    larger: str
    difference: float
    low: float
    high: float
    n: int


def effects(measured: Sequence[Likelihood], rate: float, seed: int) -> list[Effect]:
    """How much lower FT(PS) is than FT(U) and than random-FT(PS), bootstrapped over updates."""
    names = complete_at(measured, rate)
    found = []
    for smaller, larger in (("ft-ps", "ft-u"), ("ft-ps", "random-ft-ps"), ("prepend", "base")):
        low = _values(measured, rate, smaller, names, "call_tokens")
        high = _values(measured, rate, larger, names, "call_tokens")
        gaps = np.array(high) - np.array(low)
        if not len(gaps):
            continue
        drawn = np.random.default_rng(seed).integers(len(gaps), size=(2000, len(gaps)))
        left, right = np.percentile(gaps[drawn].mean(1), [2.5, 97.5])
        found.append(
            Effect(smaller, larger, float(gaps.mean()), float(left), float(right), len(gaps))
        )
    return found


def sentence(found: Sequence[Effect], rate: float) -> str:
    """Say in words which of the expected orders showed."""
    parts = []
    for effect in found:
        below, above = TITLES[effect.smaller], TITLES[effect.larger]
        if effect.low > 0:
            verdict = f"{below} is below {above}"
        elif effect.high < 0:
            verdict = f"{below} is ABOVE {above}"
        else:
            verdict = f"{below} cannot be told from {above}"
        parts.append(
            f"{verdict} (difference {effect.difference:+.2f} nats, 95% interval "
            f"{effect.low:+.2f} to {effect.high:+.2f}, n = {effect.n})"
        )
    rough = " With so few updates the intervals are rough." if any(e.n < 10 for e in found) else ""
    return f"Call-token NLL at learning rate {rate:g}: " + "; ".join(parts) + f".{rough}"


def likelihood_figure(
    measured: Sequence[Likelihood], rates: Sequence[float], path: Path
) -> Picture:
    """Call-token NLL by arm, one colour a learning rate."""
    series, intervals = {}, {}
    for rate in rates:
        names = complete_at(measured, rate)
        label = f"learning rate {rate:g} (n = {len(names)})"
        heights: list[float | None] = []
        limits: list[tuple[float, float] | None] = []
        for arm in ARMS:
            found = np.array(_values(measured, rate, arm, names, "call_tokens"))
            heights.append(float(found.mean()) if len(found) else None)
            spread = None
            if len(found) > 1:
                drawn = np.random.default_rng(0).integers(len(found), size=(2000, len(found)))
                low, high = np.percentile(found[drawn].mean(1), [2.5, 97.5])
                spread = (float(low), float(high))
            limits.append(spread)
        series[label], intervals[label] = heights, limits
    return bars(
        path,
        [TITLES[arm] for arm in ARMS],
        series,
        intervals=intervals,
        ylabel="NLL of the calls of the updated function (nats a token)",
        title="Likelihood of calls of the updated function in the references",
    )


def as_results(measured: Sequence[Likelihood], found: Sequence[Effect]) -> dict[str, Any]:
    """What `results.json` keeps of this part."""
    return {
        "measurements": [one.model_dump() for one in measured],
        "effects": [effect._asdict() for effect in found],
    }
