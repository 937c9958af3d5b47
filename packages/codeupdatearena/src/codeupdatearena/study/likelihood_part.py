"""What editing does to the likelihood of the references, for models that solve no problem."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tenpapers.journal import Journal
from tenpapers.models import CausalLM
from tenpapers.records import Record

from ..editing.editor import Editor
from ..editing.edits import make_edit, open_edits
from ..editing.settings import Arm, EditConfig
from ..editing.training_sets import EditPlan, read_random_map
from ..inputs.arena import Arena
from ..records import ProgSynExample
from ..scoring.reference_likelihood import measure, normalised
from .settings import Study

PACKAGES = ("math", "re", "itertools")
ARMS = ("base", "prepend", "ft-u", "ft-ps", "random-ft-ps")


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
    """Characters of what an edit for example 0 reads, and of what it is tested on."""
    texts = [group[0].update.docstring]
    for example in (group[0], *group[-2:]):
        texts.append(example.scenario + example.problem + example.ref_solution)
    return sum(map(len, texts))


@dataclass
class _Budget:
    """Seconds spent on measuring, those of an interrupted run included."""

    before: float
    began: float

    def spent(self) -> float:
        return self.before + time.monotonic() - self.began


def run_likelihoods(lm: CausalLM, arena: Arena, study: Study, journal: Journal) -> list[Likelihood]:
    """Measure every arm on as many updates as the budget allows; nothing is measured twice.

    Four fifths of the budget go to the first learning rate. Adapters of FT(PS) at that rate stay
    below `ft-ps` for the end-to-end part.
    """
    from tqdm import tqdm

    whole = Arena(tuple(normalised(example) for example in arena.examples))
    plans = _plans(whole, study)
    editor = Editor(lm.model, lm.tokenizer, EditConfig(seed=study.seed))
    with (
        journal.rows(
            "likelihood.jsonl", key=lambda row: str(Likelihood.model_validate(row).key)
        ) as rows,
        tqdm(total=round(study.budget), unit="s") as bar,
    ):
        kept = (Likelihood.model_validate(row) for row in rows.rows.values())
        known = {found.key: found for found in kept}
        clock = _Budget(sum(found.seconds for found in known.values()), time.monotonic())
        share, rest = 0.8, 0.2 / max(1, len(study.learning_rates) - 1)
        limit = 0.0
        for position, rate in enumerate(study.learning_rates):
            limit += study.budget * (rest if position else share)
            editor.cfg = replace(editor.cfg, learning_rate=rate)
            for example in choose(whole):
                wanted = [(example.prog_syn_id, arm, rate if arm in plans else 0.0) for arm in ARMS]
                left = [key for key in wanted if key not in known]
                if not left:
                    continue
                if clock.spent() > limit:
                    break
                for key in left:
                    arm = key[1]
                    bar.set_description_str(f"likelihood, {arm}")
                    keep = journal if arm == "ft-ps" and position == 0 else None
                    known[key] = _measure(lm, editor, plans.get(arm), example, key=key, keep=keep)
                    rows.write(known[key])
                    bar.n = min(round(study.budget), round(clock.spent()))
                    bar.refresh()
    return list(known.values())


def _plans(arena: Arena, study: Study) -> dict[str, EditPlan]:
    """What the arms that train are trained on; short prompts, without example and test."""
    random_map = read_random_map(study.random_map_file)

    def plan(arm: Arm, *, random: bool = False) -> EditPlan:
        return EditPlan(
            arena,
            arm,
            None,
            random=random,
            random_map=random_map,
            seed=study.seed,
            show_test=False,
        )

    return {
        "ft-u": plan("ft-u"),
        "ft-ps": plan("ft-ps"),
        "random-ft-ps": plan("ft-ps", random=True),
    }


def _measure(
    lm: CausalLM,
    editor: Editor,
    plan: EditPlan | None,
    example: ProgSynExample,
    *,
    key: tuple[str, str, float],
    keep: Journal | None,
) -> Likelihood:
    """Edit the model as the arm wants, and score the reference.

    Parameters
    ----------
    plan : None leaves the model unedited.
    key : of the measurement.
    keep : of the run that keeps the adapter; None throws it away.
    """
    began = time.monotonic()
    _, arm, rate = key
    tokens = 0
    if plan is None:
        editor.reset()
    elif keep is not None:
        edit = make_edit(editor, plan, example, keep, "ft-ps/", base=lm.weights)
        with open_edits(keep, "ft-ps/") as edits:
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
    for found in measured:
        if found.learning_rate in (rate, 0.0):
            have[found.prog_syn_id].add(found.arm)
    return [name for name, arms in have.items() if arms == set(ARMS)]
