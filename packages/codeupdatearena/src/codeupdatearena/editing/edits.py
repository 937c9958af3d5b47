"""Training every adapter of an arm, and the files that keep them."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.models import CausalLM
from tenpapers.records import Appender, Record, read_json, read_jsonl, write_json

from ..records import ProgSynExample
from .editor import Editor
from .settings import Arm, EditConfig
from .training_sets import EditPlan


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


def make_edit(editor: Editor, plan: EditPlan, example: ProgSynExample, out: Path) -> Edit:
    """Train a fresh adapter for one test example, save it below `out`; the model stays edited."""
    source, drawn = plan.sources[example.update.update_id]
    handle = editor.edit(plan.texts(example))
    adapter = Path("adapters") / folder_name(example.prog_syn_id)
    editor.save(out / adapter)
    return Edit(
        prog_syn_id=example.prog_syn_id,
        arm=plan.arm,
        random=plan.random,
        source=source,
        drawn=drawn,
        adapter=str(adapter),
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
    settings = _settings_of(cfg, plan, lm.name)
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


def _settings_of(cfg: EditConfig, plan: EditPlan, model: str) -> dict[str, object]:
    """What edits in one folder have in common."""
    names = EditConfig.__dataclass_fields__
    settings = {name: value for name, value in asdict(cfg).items() if name in names}
    return settings | {
        "targets": cfg.target_modules,
        "model": model,
        "arm": plan.arm,
        "random": plan.random,
    }


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
