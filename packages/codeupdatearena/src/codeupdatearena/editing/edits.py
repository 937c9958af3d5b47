"""Training every adapter of an arm, and asking the edited models (sections 3.7 and 8)."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling
from tenpapers.models import CausalLM
from tenpapers.records import Appender, Record, read_json, read_jsonl, write_json

from ..inputs.arena import Arena
from ..records import ProgSynExample
from ..sampling.prompts import render
from ..sampling.sample import SAMPLING, samples
from .editor import Arm, EditConfig, Editor, TrainingText, random_target, training_texts


class Edit(Record):
    """One line of `edits.jsonl`: what was trained for which test example.

    `losses` are nats a token, one an optimiser step; `source` is the update whose training set was
    used (another one for random-FT); `drawn` says that the fixed map's update was not at hand.
    """

    prog_syn_id: str
    arm: Arm
    random: bool = False
    source: str
    drawn: bool = False
    adapter: str
    losses: list[float]
    tokens: int
    seconds: float


def method_name(arm: str, *, random: bool, with_update: bool = False) -> str:
    """Name an arm as tables do: `ft-ps`, `random-ft-ps`, `ft-u+update`."""
    return f"{'random-' if random else ''}{arm}{'+update' if with_update else ''}"


def read_random_map(path: Path | None) -> dict[str, str]:
    """Read the fixed map of random-FT targets; without a file every target is drawn.

    Raises
    ------
    UserError : not a JSON object of update ids.
    """
    if path is None:
        return {}
    value = read_json(path)
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise UserError(f"{path}: a JSON object from update id to update id is wanted")
    return value


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

    @cached_property
    def groups(self) -> dict[str, list[ProgSynExample]]:
        """Examples by update."""
        return self.arena.by_update()

    @cached_property
    def sources(self) -> dict[str, tuple[str, bool]]:
        """Update trained on, and whether it was drawn, by update; drawn for all at once, so that
        a resumed run draws the same."""
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
        index = 0 if self.random else [e.prog_syn_id for e in group].index(example.prog_syn_id)
        return training_texts(
            self.arm, group, index, demo=self.demo, show_test=self.show_test, folder=self.folder
        )


def make_edit(editor: Editor, plan: EditPlan, example: ProgSynExample, out: Path) -> Edit:
    """Train a fresh adapter for one test example, save it below `out`; the model stays edited."""
    source, drawn = plan.sources[example.update.update_id]
    handle = editor.edit(plan.texts(example))
    place = Path("adapters") / folder_name(example.prog_syn_id)
    editor.save(out / place)
    return Edit(
        prog_syn_id=example.prog_syn_id,
        arm=plan.arm,
        random=plan.random,
        source=source,
        drawn=drawn,
        adapter=str(place),
        losses=[round(loss, 6) for loss in handle.losses],
        tokens=handle.tokens,
        seconds=round(handle.seconds, 3),
    )


def train_adapters(
    lm: CausalLM,
    plan: EditPlan,
    chosen: Sequence[ProgSynExample],
    out: Path,
    cfg: EditConfig,
    *,
    overwrite: bool = False,
) -> list[Edit]:
    """Train an adapter for each chosen example; finished ones are kept and not repeated.

    Parameters
    ----------
    out : gets `adapters/<id>/` and `edits.jsonl`.

    Raises
    ------
    UserError : `out` holds edits of other settings; a text is longer than the context.
    """
    from tqdm import tqdm

    file, marker = out / "edits.jsonl", out / "edits.settings.json"
    settings = asdict(cfg) | {"model": lm.name, "arm": plan.arm, "random": plan.random}
    settings["targets"] = list(cfg.targets)
    done: dict[str, Edit] = {}
    if file.exists() and not overwrite:
        if marker.exists() and read_json(marker) != settings:
            raise UserError(f"{out}: holds edits of other settings", "pass --overwrite")
        Appender(file).close()
        done = {edit.prog_syn_id: edit for edit in read_jsonl(file, Edit, allow_empty=True)}
    write_json(marker, settings)
    left = [example for example in chosen if example.prog_syn_id not in done]
    editor = Editor(lm.model, lm.tokenizer, cfg) if left else None
    label = method_name(plan.arm, random=plan.random)
    with Appender(file, overwrite=overwrite) as sink:
        for example in tqdm(left, desc=label, unit="edit"):
            assert editor is not None
            edit = make_edit(editor, plan, example, out)
            sink.write(edit)
            done[example.prog_syn_id] = edit
    return [done[example.prog_syn_id] for example in chosen]


def folder_name(prog_syn_id: str) -> str:
    """Turn an id into a folder's name."""
    return re.sub(r"[^\w.-]+", "_", prog_syn_id).strip("_")


def read_edits(folder: Path) -> list[Edit]:
    """Read what `edit` wrote.

    Raises
    ------
    UserError : no `edits.jsonl` there, or an adapter's folder is gone.
    """
    edits = read_jsonl(folder / "edits.jsonl", Edit)
    for number, edit in enumerate(edits, 1):
        if not (folder / edit.adapter).is_dir():
            raise UserError(f"{folder / 'edits.jsonl'}:{number}: no folder {edit.adapter}")
    return edits


def is_whole_model(folder: Path) -> bool:
    """Whether an edit was saved as a model of its own (`edit --adapter none`)."""
    return (folder / "config.json").exists()


def edited_requests(
    edits: Sequence[Edit],
    arena: Arena,
    folder: Path,
    *,
    n: int,
    seed: int,
    demo: ProgSynExample | None,
    with_update: bool = False,
    sampling: Sampling = SAMPLING,
    prompts: Path | None = None,
) -> list[Request]:
    """Make the requests of an arm: each example is asked of the model edited for it.

    An edit of all weights has no adapter: its requests go to the saved model itself.

    Raises
    ------
    UserError : an edit of an example that the arena does not have.
    """
    requests = []
    for edit in edits:
        if edit.prog_syn_id not in arena.by_id:
            raise UserError(f"{folder}: edit of an unknown id {edit.prog_syn_id}")
        prompt = render(
            arena.by_id[edit.prog_syn_id],
            demo,
            with_update,
            True,
            False,
            header=edit.arm != "ft-u",
            folder=prompts,
        )
        place = (folder / edit.adapter).resolve()
        adapter = "" if is_whole_model(place) else str(place)
        requests += samples(edit.prog_syn_id, prompt, n, seed, sampling, adapter)
    return requests
