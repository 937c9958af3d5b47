"""What editing does to the likelihood of the references, for models that solve no problem."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from tenpapers.journal import Journal
from tenpapers.models import CausalLM
from tenpapers.records import Record

from ..editing.editor import Editor
from ..editing.edits import make_edit, open_edits
from ..editing.settings import Arm, EditConfig
from ..editing.training_sets import EditPlan
from ..inputs.arena import Arena
from ..records import ProgSynExample
from ..scoring.reference_likelihood import measure, normalised
from .settings import Study

PACKAGES = ("math", "re", "itertools")
ARMS = ("base", "prepend", "ft-u", "ft-ps", "random-ft-ps")
# Measured of every example; a random edit needs a second one.
ALWAYS = frozenset(ARMS) - {"random-ft-ps"}
Key = tuple[str, str, float, int]


class Likelihood(Record):
    """One arm on one test example: nats a token of the reference and of its calls."""

    prog_syn_id: str
    update_type: str
    arm: str
    learning_rate: float
    seed: int = 0
    per_token: float
    call_tokens: float | None
    n_call_tokens: int
    trained_tokens: int
    seconds: float

    @property
    def key(self) -> Key:
        """What this measures; learning rate and seed are 0 where nothing is trained."""
        return self.prog_syn_id, self.arm, self.learning_rate, self.seed


def choose(arena: Arena) -> list[ProgSynExample]:
    """Test example 0 of the updates that are cheapest to edit, distinct functions, types mixed.

    The cheapest of each update type come first, so that few updates are not all renames.
    """
    every = list(arena.by_update().values())
    light = [group for group in every if group[0].update.package in PACKAGES]
    # An edit needs three examples.
    groups = sorted((group for group in light or every if len(group) >= 3), key=_length)
    functions: set[str] = set()
    # How many updates of its type come before it.
    turn: dict[str, int] = defaultdict(int)
    picked: list[tuple[int, int, ProgSynExample]] = []
    for group in groups:
        update = group[0].update
        if update.function_path not in functions:
            functions.add(update.function_path)
            picked.append((turn[update.update_type], _length(group), group[0]))
            turn[update.update_type] += 1
    return [example for _, _, example in sorted(picked, key=lambda item: item[:2])]


def _length(group: Sequence[ProgSynExample]) -> int:
    """Characters that FT(U) and FT(PS) train on for example 0: 10 and 5 passes."""
    examples = (one.scenario + one.problem + one.ref_solution for one in group[-2:])
    return 10 * len(group[0].update.docstring) + 5 * sum(map(len, examples))


def run_likelihoods(lm: CausalLM, arena: Arena, study: Study, journal: Journal) -> list[Likelihood]:
    """Measure every arm on a fixed number of updates; nothing is measured twice.

    The random arm of an update is another one's FT(PS): the edits of the chosen updates go around
    in a ring, so that it costs no training and sees the same texts as FT(PS). Adapters of FT(PS)
    at the first learning rate and seed stay below `ft-ps` for the end-to-end part.
    """
    from tqdm import tqdm

    whole = Arena(tuple(normalised(example) for example in arena.examples))
    config = EditConfig(seed=study.seed, epochs_times_texts=study.passes)
    editor = Editor(lm.model, lm.tokenizer, config)
    until = math.inf if study.budget is None else time.monotonic() + study.budget
    work = [
        (rate, seed, count)
        for rate, count in zip(study.learning_rates, study.updates, strict=True)
        for seed in study.seeds
    ]
    with journal.rows(
        "likelihood.jsonl", key=lambda row: str(Likelihood.model_validate(row).key)
    ) as rows:
        kept = (Likelihood.model_validate(row) for row in rows.rows.values())
        known = {found.key: found for found in kept}

        def keep(found: Likelihood) -> None:
            known[found.key] = found
            rows.write(found)

        for turn, (rate, seed, count) in enumerate(work):
            editor.cfg = replace(editor.cfg, learning_rate=rate, seed=seed)
            chosen = choose(whole)[:count]
            others = chosen[1:] + chosen[:1] if len(chosen) > 1 else [None] * len(chosen)
            label = f"likelihood, learning rate {rate:g}, seed {seed}"
            for example, other in zip(tqdm(chosen, desc=label, unit="update"), others, strict=True):
                if time.monotonic() < until:
                    edits = _Edits(lm, editor, whole, journal if turn == 0 else None)
                    edits.measure(example, other, set(known), keep)
    return list(known.values())


@dataclass
class _Edits:
    """The arms of one example, at one learning rate and seed.

    Parameters
    ----------
    journal : of the run that keeps the adapter of FT(PS); None throws it away.
    """

    lm: CausalLM
    editor: Editor
    arena: Arena
    journal: Journal | None

    def measure(
        self,
        example: ProgSynExample,
        other: ProgSynExample | None,
        known: Collection[Key],
        keep: Callable[[Likelihood], None],
    ) -> None:
        """Measure what is not known; the random arm of `other` is the FT(PS) of `example`."""
        rate, seed = self.editor.cfg.learning_rate, self.editor.cfg.seed
        plain = (example.prog_syn_id, 0.0, 0)
        trained = (example.prog_syn_id, rate, seed)
        for arm in ("base", "prepend"):
            if (plain[0], arm, *plain[1:]) not in known:
                began = time.monotonic()
                self.editor.reset()
                keep(self._likelihood(example, arm, 0.0, 0, 0, began))
        if (trained[0], "ft-u", *trained[1:]) not in known:
            began = time.monotonic()
            tokens = self.editor.edit(self._plan("ft-u").texts(example)).tokens
            keep(self._likelihood(example, "ft-u", rate, seed, tokens, began))
        tested = [(example, "ft-ps"), *([(other, "random-ft-ps")] if other else [])]
        left = [(e, arm) for e, arm in tested if (e.prog_syn_id, arm, rate, seed) not in known]
        if left:
            began = time.monotonic()
            tokens = self._train_on_problems(example)
            for one, arm in left:
                keep(self._likelihood(one, arm, rate, seed, tokens, began))
                began, tokens = time.monotonic(), 0

    def _plan(self, arm: Arm) -> EditPlan:
        """What an arm is trained on; short prompts, without example and test."""
        return EditPlan(self.arena, arm, None, seed=self.editor.cfg.seed, show_test=False)

    def _train_on_problems(self, example: ProgSynExample) -> int:
        plan = self._plan("ft-ps")
        if self.journal is None:
            return self.editor.edit(plan.texts(example)).tokens
        base = self.lm.weights
        edit = make_edit(self.editor, plan, example, self.journal, "ft-ps/", base=base)
        with open_edits(self.journal, "ft-ps/") as edits:
            edits.write(edit)
        return edit.tokens

    def _likelihood(
        self, example: ProgSynExample, arm: str, rate: float, seed: int, tokens: int, began: float
    ) -> Likelihood:
        """Score the reference with the model as it is.

        Parameters
        ----------
        tokens : trained on for it.
        began : `time.monotonic()` at the start of its edit.
        """
        header = arm.endswith("ft-ps")
        found = measure(self.lm, example, part_u=arm == "prepend", header=header)
        return Likelihood(
            prog_syn_id=example.prog_syn_id,
            update_type=example.update.update_type,
            arm=arm,
            learning_rate=rate,
            seed=seed,
            per_token=found.per_token,
            call_tokens=found.call_tokens if found.n_call_tokens else None,
            n_call_tokens=found.n_call_tokens,
            trained_tokens=tokens,
            seconds=round(time.monotonic() - began, 3),
        )


def seeds_at(measured: Sequence[Likelihood], rate: float) -> list[int]:
    """Seeds that something was trained with at a learning rate."""
    return sorted({found.seed for found in measured if found.learning_rate == rate and found.seed})


def complete_at(measured: Sequence[Likelihood], rate: float) -> list[str]:
    """Examples of which the arms were measured at a learning rate with every seed."""
    names = list(dict.fromkeys(found.prog_syn_id for found in measured))
    have = {found.key for found in measured}
    wanted = [
        (arm, rate if "ft-" in arm else 0.0, seed if "ft-" in arm else 0)
        for arm in ALWAYS
        for seed in seeds_at(measured, rate)
    ]
    return [name for name in names if wanted and all((name, *key) in have for key in wanted)]
