"""From a dataset or a grid of needles to a head-score file; a killed run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.records import write_json
from tenpapers.report import file_digest

from ..inputs.builders.build import use_chat
from ..inputs.number_lists import whole_numbers
from ..inputs.prompt_rendering import ChatFrame
from ..records import load_examples
from ..scoring.example_rows import ExampleRows
from ..training.tuned_model import load_chosen, longest, require_fit
from .attention_maps import draw_map
from .detect import NothingToScoreError, detect
from .head_sets import head_list
from .needle_grid import Cell, default_haystack, default_needles, grid_for, read_needles
from .needle_in_haystack import niah
from .score_files import HeadScores, sidecar

if TYPE_CHECKING:
    from tenpapers.models import CausalLM
    from tenpapers.report import Picture

    from ..training.settings import ModelSettings
    from .settings import DetectSettings, NeedleSettings


DONE = "scores"


def detect_into(journal: Journal, out: Path, data: Path, settings: DetectSettings) -> HeadScores:
    """Score every head on a dataset file, once, and write the head-score file `out`.

    Parameters
    ----------
    journal : of `out`; examples that an earlier run has scored are not read again.

    Raises
    ------
    NothingToScoreError : no example was used.
    UserError : wrong data, a prompt beyond the model, a probe that the task does not have.
    """
    if journal.done(DONE):
        return HeadScores.load(out)
    examples = load_examples(data, limit=settings.max_examples)
    lm = load_chosen(settings)
    require_fit(lm, longest(lm, examples), str(data))
    announce(journal, out.name)
    try:
        with journal.rows(rows_name(out)) as log:
            scores = detect(
                lm.model,
                lm.tokenizer,
                examples,
                settings.probe,
                settings.mode,
                settings.batch_size,
                needles=settings.needles,
                score_kind=settings.score,
                ignore_first=settings.ignore_first,
                kept=ExampleRows(log),
                progress=True,
            )
    except NothingToScoreError as error:
        raise NothingToScoreError(f"{data}: {error}") from None
    except ValueError as error:
        raise UserError(f"{data}: {error}") from None
    scores.options |= {"rope": settings.rope, "context_tokens": settings.context_tokens}
    scores.options |= {
        "native_context": settings.native_context,
        "native_theta": settings.native_theta,
    }
    scores.data_sha256 = file_digest(data)
    _finish(journal, out, scores, lm, settings)
    return scores


def rows_name(out: Path) -> str:
    """Name of the file in which a run keeps what is done until all of it is."""
    return f"{out.name}.partial.jsonl"


def announce(journal: Journal, name: str) -> None:
    """Announce a head-score file and its sidecar."""
    journal.file(name)
    journal.file(str(sidecar(Path(name))))


def _finish(
    journal: Journal, out: Path, scores: HeadScores, lm: CausalLM, settings: ModelSettings
) -> None:
    """Say in the scores what was read, write them, and drop what served to go on."""
    import torch
    import transformers

    scores.model, scores.identity = settings.model, lm.weights
    scores.adapter = str(settings.adapter) if settings.adapter else None
    scores.options |= {
        "dtype": str(lm.model.dtype).removeprefix("torch."),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    scores.save(out)
    journal.finish(DONE)
    journal.drop(rows_name(out))


def needles_into(journal: Journal, out: Path, settings: NeedleSettings) -> HeadScores:
    """Run the grid of needles, once; writes the head-score file `out`, and the answers beside it.

    The scores' `options` hold the success rate, the best ROUGE and the tokens that were run.

    Raises
    ------
    NothingToScoreError : no trial succeeded.
    UserError : wrong needles, a haystack that is too short, a prompt beyond the model.
    """
    if journal.done(DONE):
        return HeadScores.load(out)
    lm = load_chosen(settings)
    grid = _grid(lm, settings)
    require_fit(lm, max(len(cell.ids) for cell in grid), "--lengths")
    announce(journal, out.name)
    answers = journal.file(out.with_suffix(".outputs.json").name)
    with journal.rows(rows_name(out)) as log:
        run = niah(
            lm.model,
            lm.tokenizer,
            grid,
            share_kv=settings.share_kv,
            score_kind=settings.score,
            kept=ExampleRows(log),
            progress=True,
        )
    run.scores.options |= {
        "lengths": settings.lengths,
        "depths": settings.depths,
        "multi_needle": settings.multi_needle,
        "success_rate": run.success_rate,
        "best_rouge": run.best_rouge,
        "tokens": run.tokens,
    }
    write_json(answers, run.outputs)
    _finish(journal, out, run.scores, lm, settings)
    return run.scores


def _grid(lm: CausalLM, settings: NeedleSettings) -> list[Cell]:
    text = settings.haystack.read_text(encoding="utf-8") if settings.haystack else None
    chat = use_chat(settings.model, lm.tokenizer) if settings.chat is None else settings.chat
    return grid_for(
        lm.tokenizer,
        default_haystack() if text is None else text,
        read_needles(settings.needles) if settings.needles else default_needles(),
        whole_numbers(settings.lengths, "--lengths"),
        settings.depths,
        multi=settings.multi_needle,
        chat=ChatFrame.of(lm.tokenizer) if chat else None,
    )


def map_into(out: Path, data: Path, settings: ModelSettings, heads: str, index: int) -> Picture:
    """Draw where the answer of one example attends, for heads written as `18-6,23-2`.

    Raises
    ------
    UserError : no such example, a head that the model does not have.
    """
    examples = load_examples(data, limit=index + 1)
    if index >= len(examples):
        raise UserError(f"{data}: has {len(examples)} examples, --index {index} is none of them")
    lm = load_chosen(settings)
    require_fit(lm, longest(lm, examples[index:]), f"{data}: example {index}")
    return draw_map(lm.model, lm.tokenizer, examples[index], head_list(heads), out)
