"""From a dataset or a grid of needles to a head-score file; a killed run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.records import write_json
from tenpapers.report import file_digest

from ..inputs.builders.build import use_chat
from ..inputs.number_lists import whole_numbers
from ..inputs.prompt_rendering import ChatFrame
from ..records import load_examples
from ..scoring.kept_scores import Kept, text_digest
from ..training.tuned_model import load_chosen, require_fit
from .attention_maps import draw_map
from .detect import NothingToScoreError, detect
from .head_sets import head_list
from .needle_grid import default_haystack, default_needles, grid_for, read_needles
from .needle_in_haystack import NeedleRun, niah

if TYPE_CHECKING:
    from tenpapers.report import Picture

    from ..training.settings import ModelSettings
    from .score_files import HeadScores
    from .settings import DetectSettings, NeedleSettings


def detect_into(
    out: Path, data: Path, settings: DetectSettings, *, resume: bool = False
) -> HeadScores:
    """Score every head on a dataset file, and write the head-score file `out`.

    Parameters
    ----------
    resume : go on with what a killed run of the same settings has scored.

    Raises
    ------
    NothingToScoreError : no example was used.
    UserError : wrong data, a prompt beyond the model, a probe that the task does not have.
    """
    examples = load_examples(data, limit=settings.max_examples)
    lm = load_chosen(settings)
    require_fit(lm, max(example.n_tokens for example in examples), str(data))
    digest = file_digest(data)
    chosen = (settings.probe, settings.mode, settings.needles, settings.score)
    key = " ".join(map(str, (lm.identity, digest, *chosen, settings.ignore_first, settings.rope)))
    try:
        with Kept.beside(out, key, resume=resume) as kept:
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
                kept=kept,
                progress=True,
            )
    except NothingToScoreError as error:
        raise NothingToScoreError(f"{data}: {error}") from None
    except ValueError as error:
        raise UserError(f"{data}: {error}") from None
    scores.model = settings.model
    scores.adapter = str(settings.adapter) if settings.adapter else None
    scores.data_sha256 = digest
    scores.save(out)
    return scores


def needles_into(out: Path, settings: NeedleSettings, *, resume: bool = False) -> NeedleRun:
    """Run the grid of needles; writes the head-score file `out`, and the answers beside it.

    Raises
    ------
    NothingToScoreError : no trial succeeded.
    UserError : wrong needles, a haystack that is too short, a prompt beyond the model.
    """
    lm = load_chosen(settings)
    text = settings.haystack.read_text(encoding="utf-8") if settings.haystack else None
    text = default_haystack() if text is None else text
    trials = read_needles(settings.needles) if settings.needles else default_needles()
    chat = use_chat(settings.model, lm.tokenizer) if settings.chat is None else settings.chat
    grid = grid_for(
        lm.tokenizer,
        text,
        trials,
        whole_numbers(settings.lengths, "--lengths"),
        settings.depths,
        multi=settings.multi_needle,
        chat=ChatFrame.of(lm.tokenizer) if chat else None,
    )
    require_fit(lm, max(len(cell.ids) for cell in grid), "--lengths")
    source = text_digest(f"{text} {trials}")
    key = f"{lm.identity} {settings.score} {settings.multi_needle} {chat} {source}"
    with Kept.beside(out, key, resume=resume) as kept:
        run = niah(
            lm.model,
            lm.tokenizer,
            grid,
            share_kv=settings.share_kv,
            score_kind=settings.score,
            kept=kept,
            progress=True,
        )
    run.scores.model = settings.model
    run.scores.adapter = str(settings.adapter) if settings.adapter else None
    run.scores.options |= {
        "lengths": settings.lengths,
        "depths": settings.depths,
        "multi_needle": settings.multi_needle,
    }
    run.scores.save(out)
    write_json(out.with_suffix(".outputs.json"), run.outputs)
    return run


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
    return draw_map(lm.model, lm.tokenizer, examples[index], head_list(heads), out)
