"""What an edit is trained on: the texts of each arm, of its own update or of another one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from tenpapers.errors import UserError
from tenpapers.records import read_json

from ..inputs.arena import Arena
from ..records import ProgSynExample
from ..sampling.prompts import answer_start, demonstration, render
from .settings import Arm, ArmSettings


@dataclass(frozen=True)
class TrainingText:
    """A text and the character from which on its tokens count in the loss."""

    text: str
    start: int = 0


def training_examples(group: Sequence[ProgSynExample], index: int) -> list[ProgSynExample]:
    """Pick the two examples before `index` in cyclic order: never the tested one itself.

    For four examples: 0 trains on (2, 3), 1 on (0, 3), 2 on (0, 1), 3 on (1, 2).

    Raises
    ------
    UserError : the update has fewer than three examples.
    """
    count = len(group)
    if count < 3:
        raise UserError(f"{group[0].update.update_id}: {count} examples, an edit needs three")
    return [group[i] for i in sorted({(index - 2) % count, (index - 1) % count})]


def training_texts(
    arm: Arm,
    group: Sequence[ProgSynExample],
    index: int,
    *,
    demo: ProgSynExample | None,
    show_test: bool = True,
    folder: Path | None = None,
) -> list[TrainingText]:
    """Make the texts on which an arm is trained for the test example `group[index]`.

    FT(U) reads the update's text alone; FT(PS) and FT(U+PS) learn to answer two other problems of
    the same update, the latter with the update's text in the prompt.
    """
    if arm == "ft-u":
        update_alone = render(group[index], None, True, False, False, folder=folder)
        return [TrainingText(update_alone)]
    texts = []
    for example in training_examples(group, index):
        text = render(
            example, demo, arm == "ft-ups", True, True, show_test=show_test, folder=folder
        )
        texts.append(TrainingText(text, answer_start(text, example)))
    return texts


def read_random_map(path: Path | None) -> dict[str, str]:
    """Read the fixed map of random-FT targets; without a file every target is drawn.

    Raises
    ------
    UserError : not a JSON object of update ids.
    """
    if path is None:
        return {}
    value = read_json(path)
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value.values()):
        raise UserError(f"{path}: a JSON object from update id to update id is wanted")
    return value


def random_target(
    update_id: str,
    groups: dict[str, list[ProgSynExample]],
    mapping: dict[str, str],
    rng: np.random.Generator,
) -> tuple[str, bool]:
    """Find the other update whose training set a random-FT edit takes.

    Parameters
    ----------
    groups : examples by update id.
    mapping : the paper's fixed map (`random_update_map.json`), may name absent updates.
    rng : draws the replacement of an absent one.

    Returns
    -------
    The update's id, and whether it had to be drawn because the map's own is not loaded.

    Raises
    ------
    UserError : no update of another function is loaded.
    """
    target = mapping.get(update_id)
    if target in groups and target != update_id:
        return str(target), False
    own = groups[update_id][0].update.function_path
    others = [name for name, group in groups.items() if group[0].update.function_path != own]
    if not others:
        raise UserError(f"{update_id}: no update of another function to draw at random")
    return str(others[int(rng.integers(len(others)))]), True


@dataclass(frozen=True)
class EditPlan:
    """What an arm trains on.

    Parameters
    ----------
    arena : where training examples come from.
    random : take the training set of another update (random-FT).
    random_map : the fixed map of targets; what it does not give is drawn with `seed`.
    demo, show_test, folder : of the prompts, see `prompts.render`.
    """

    arena: Arena
    arm: Arm
    demo: ProgSynExample | None
    random: bool = False
    random_map: dict[str, str] = field(default_factory=dict)
    seed: int = 42
    show_test: bool = True
    folder: Path | None = None

    @classmethod
    def of(cls, arena: Arena, settings: ArmSettings) -> "EditPlan":
        """Make the plan that an arm's settings describe.

        Raises
        ------
        UserError : the worked example or the map cannot be read.
        """
        return cls(
            arena,
            settings.arm,
            demonstration(settings.demo),
            random=settings.random,
            random_map=read_random_map(settings.random_map),
            seed=settings.seed,
            folder=settings.prompts,
        )

    @cached_property
    def groups(self) -> dict[str, list[ProgSynExample]]:
        """Examples by update."""
        return self.arena.by_update()

    @cached_property
    def sources(self) -> dict[str, tuple[str, bool]]:
        """Update trained on, and whether it was drawn, by update.

        Drawn for all at once, so that a resumed run draws the same.
        """
        if not self.random:
            return {name: (name, False) for name in self.groups}
        rng = np.random.default_rng(self.seed)
        return {
            name: random_target(name, self.groups, self.random_map, rng) for name in self.groups
        }

    def texts(self, example: ProgSynExample) -> list[TrainingText]:
        """Make the training texts for one test example."""
        group = self.groups[self.sources[example.update.update_id][0]]
        # A random edit takes what belongs to example 0 of the other update.
        names = [member.prog_syn_id for member in group]
        index = 0 if self.random else names.index(example.prog_syn_id)
        return training_texts(
            self.arm, group, index, demo=self.demo, show_test=self.show_test, folder=self.folder
        )
