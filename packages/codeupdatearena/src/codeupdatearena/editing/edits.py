"""Training every adapter of an arm, and the files that keep them."""

import re
from collections.abc import Sequence
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.journal import Journal, RowLog
from tenpapers.models import CausalLM, parse_spec
from tenpapers.models.identity import weights_identity
from tenpapers.records import Record, read_jsonl

from ..records import ProgSynExample
from .editor import Editor
from .settings import Arm, EditConfig
from .training_sets import EditPlan


class Edit(Record):
    """One line of `edits.jsonl`: what was trained for which test example of which update.

    `losses` are nats a token, one an optimiser step; `source` is the update whose training set was
    used (another one for random-FT); `drawn` says that the fixed map's update was not at hand;
    `base` is the identity of the weights that the adapter belongs to.
    """

    prog_syn_id: str
    update_id: str = ""
    arm: Arm
    random: bool = False
    source: str
    drawn: bool = False
    adapter: str
    losses: list[float]
    tokens: int
    seconds: float
    base: str = ""


def check_base(edits: Sequence[Edit], model: str, folder: Path) -> None:
    """Check that adapters belong to a model; a server's or a recording's weights are not known.

    Parameters
    ----------
    model : its spec.
    folder : of the edits, for the message.

    Raises
    ------
    UserError : they belong to another one.
    """
    spec = parse_spec(model)
    if spec.backend == "ray":
        spec = parse_spec(spec.name)
    bases = {edit.base for edit in edits if edit.base}
    if not bases or spec.backend in ("openai", "replay"):
        return
    if bases != {weights_identity(spec)}:
        raise UserError(
            f"{folder}: its adapters belong to another model than {model}",
            "pass the --model that `edit` was given",
        )


def method_name(arm: str, *, random: bool, with_update: bool = False) -> str:
    """Name an arm as tables do: `ft-ps`, `random-ft-ps`, `ft-u+update`."""
    return f"{'random-' if random else ''}{arm}{'+update' if with_update else ''}"


def open_edits(journal: Journal, into: str = "") -> RowLog:
    """Open `edits.jsonl` of a run, or of a folder below it (`into`, with its slash)."""
    return journal.rows(f"{into}edits.jsonl", key=lambda row: str(row["prog_syn_id"]))


def make_edit(
    editor: Editor,
    plan: EditPlan,
    example: ProgSynExample,
    journal: Journal,
    into: str = "",
    *,
    base: str,
) -> Edit:
    """Train a fresh adapter for one test example and save it; the model stays edited.

    Parameters
    ----------
    base : identity of the unedited weights.
    into : folder below the run's that gets `adapters/<id>/`, with its slash.
    """
    source, drawn = plan.sources[example.update.update_id]
    handle = editor.edit(plan.texts(example))
    adapter = f"adapters/{folder_name(example.prog_syn_id)}"
    with journal.folder(f"{into}{adapter}") as folder:
        editor.save(folder)
    return Edit(
        prog_syn_id=example.prog_syn_id,
        update_id=example.update.update_id,
        arm=plan.arm,
        random=plan.random,
        source=source,
        drawn=drawn,
        adapter=adapter,
        losses=[round(loss, 6) for loss in handle.losses],
        tokens=handle.tokens,
        seconds=round(handle.seconds, 3),
        base=base,
    )


def train_adapters(
    lm: CausalLM,
    plan: EditPlan,
    chosen: Sequence[ProgSynExample],
    journal: Journal,
    cfg: EditConfig,
    *,
    into: str = "",
) -> list[Edit]:
    """Train an adapter for each chosen example; finished ones are kept and not repeated.

    Parameters
    ----------
    into : folder below the run's that gets `adapters/<id>/` and `edits.jsonl`, with its slash.

    Raises
    ------
    UserError : a text is longer than the context.
    """
    from tqdm import tqdm

    names = [example.prog_syn_id for example in chosen]
    with open_edits(journal, into) as rows:
        left = rows.missing(chosen, key=lambda example: example.prog_syn_id)
        editor = Editor(lm.model, lm.tokenizer, cfg) if left else None
        label = method_name(plan.arm, random=plan.random)
        for example in tqdm(left, desc=label, unit="edit"):
            assert editor is not None
            rows.write(make_edit(editor, plan, example, journal, into, base=lm.weights))
        rows.close(order=names)
    return [Edit.model_validate(rows.rows[name]) for name in names]


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
