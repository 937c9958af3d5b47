"""Scores of refinements: what each metric says of every response before and after."""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.generation import Generator, open_generator
from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.records import write_json, write_jsonl, write_text

from ..inputs.instances import read_rows
from ..records import Instance, Revised
from .effort import Scored, edit_fields, rouge_fields, scored_text
from .judge import OUTCOMES, Question, judge, likert_question, mean_score, pair_question, win
from .minicheck_share import is_independent, shares
from .settings import EvaluateSettings, Metric
from .summary import summarize, summary_markdown

if TYPE_CHECKING:
    from ..detect.detector import Detector
    from .alignscore import Aligner

SCORES, SUMMARY, SUMMARY_TEXT = "scores.jsonl", "summary.json", "summary.md"
JUDGEMENTS, MODEL_SCORES = "judgements.jsonl", "model_scores.jsonl"
# Responses that a model scores before its scores are kept.
_BLOCK = 64
Fields = dict[str, Any]
SIDES = ("original", "refined")


class Models:
    """The models that the chosen metrics ask; each is opened once."""

    def __init__(self, settings: EvaluateSettings, metrics: Sequence[Metric], held: ExitStack):
        self.judge: Generator | None = None
        self.aligner: Aligner | None = None
        self.detector: Detector | None = None
        self.known: Fields = {}
        if settings.judge and {"likert", "pairwise"} & set(metrics):
            self.judge = held.enter_context(open_generator(settings.judge, cache=settings.cache))
            self.known["judge"] = known_by(settings.judge, self.judge.backend.identity)
        if "alignscore" in metrics:
            from .alignscore import open_aligner

            self.aligner = open_aligner(settings.aligner, tokenizer=settings.aligner_tokenizer)
            self.known["aligner"] = known_by(settings.aligner, self.aligner.identity)
        if "minicheck" in metrics:
            from ..detect.open_detector import open_detector

            self.detector = held.enter_context(open_detector(settings.detector))
            self.known["detector"] = known_by(settings.detector, self.detector.identity)


def evaluate(
    settings: EvaluateSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> Fields:
    """Score refinements into a folder: scores.jsonl, summary.json, summary.md.

    What a judge or a scorer said is kept as it comes; a killed run goes on, and a judge that gave
    no answer is asked again.

    Returns
    -------
    What summary.json holds.

    Raises
    ------
    UserError : rows that do not fit, see `read_rows`; an unknown metric, no judge; `out` holds a
        run of other settings, models or inputs.
    """
    metrics = settings.chosen()
    rows = read_rows(settings.refined, Revised, limit=settings.limit)
    with ExitStack() as held:
        models = Models(settings, metrics, held)
        journal = held.enter_context(
            Journal(
                out,
                key=key_of("dcr evaluate", settings, **models.known),
                inputs=files_of(settings),
                overwrite=overwrite,
                wait=wait,
            )
        )
        journal.claim(SCORES, SUMMARY, SUMMARY_TEXT)
        scored, summary = score_rows(settings, rows, models, journal)
        write_jsonl(journal.file(SCORES), scored)
        write_json(journal.file(SUMMARY), summary)
        write_text(journal.file(SUMMARY_TEXT), summary_markdown(settings.refined.name, summary))
    return summary


def score_rows(
    settings: EvaluateSettings,
    rows: Sequence[Revised],
    models: Models,
    journal: Journal,
    *,
    folder: str = "",
) -> tuple[list[Fields], Fields]:
    """The rows of scores.jsonl and what summary.json holds.

    Parameters
    ----------
    folder : below the journal's, for what models said; "" for itself.
    """
    metrics = settings.chosen()
    texts = {row.id: scored_text(row.response, row.refined) for row in rows}
    judged = _judged(settings, metrics, rows, texts, models, journal, folder)
    modelled = _modelled(rows, texts, models, journal, folder)
    scored = [
        row.model_dump(mode="json")
        | _fields(settings, metrics, row, texts[row.id], judged, modelled)
        for row in rows
    ]
    summary = summarize(scored, metrics, draws=settings.draws, seed=settings.seed)
    summary["judge_answers"] = _counted(judged)
    if models.aligner is not None:
        summary["aligner"] = {"name": settings.aligner, "kind": models.aligner.kind}
    return scored, summary


def _judged(
    settings: EvaluateSettings,
    metrics: Sequence[Metric],
    rows: Sequence[Revised],
    texts: Mapping[str, Scored],
    models: Models,
    journal: Journal,
    folder: str,
) -> Mapping[str, Fields]:
    """Judgements by their ids; those that are there already are not asked for."""
    if models.judge is None:
        return {}
    questions = [
        question
        for row in rows
        for metric in metrics
        for question in questions_of(settings, metric, row, texts[row.id].text)
    ]
    log = journal.rows(str(Path(folder, JUDGEMENTS)))
    with log:
        said = judge(
            models.judge,
            log.missing(questions),
            seed=settings.seed,
            max_tokens=settings.judge_tokens,
            tries=settings.tries,
            progress="judge",
        )
        for judgement in said:
            log.write(judgement.row())
        log.close(order=[question.id for question in questions])
    return log.rows


def questions_of(
    settings: EvaluateSettings, metric: Metric, row: Revised, refined: str
) -> Iterator[Question]:
    """What is asked about a row; a text that did not change is no pair, and is judged once."""
    if metric == "likert":
        sides = dict(zip(SIDES, (row.response, refined), strict=True))
        for side, text in sides.items():
            if side == "original" or text != row.response:
                yield likert_question(
                    f"{row.id}|likert|{side}", row.document, text, row.topic, settings.prompts
                )
    if metric == "pairwise" and refined != row.response:
        for swapped in _orders(settings, row.id):
            first, second = (refined, row.response) if swapped else (row.response, refined)
            name = f"{row.id}|pairwise|{'refined' if swapped else 'original'} first"
            yield pair_question(name, row.document, first, second, row.topic, settings.prompts)


def _orders(settings: EvaluateSettings, name: str) -> tuple[bool, ...]:
    """Whether the refinement is shown first, for each call; a drawn order is the row's own."""
    if settings.pairwise_orders == "both_orders":
        return False, True
    drawn = hashlib.sha256(f"{settings.seed}|{name}".encode()).digest()
    return (random.Random(drawn).random() < 0.5,)


def _modelled(
    rows: Sequence[Revised],
    texts: Mapping[str, Scored],
    models: Models,
    journal: Journal,
    folder: str,
) -> Mapping[str, Fields]:
    """Scores by aligner and detector, kept block by block."""
    if models.aligner is None and models.detector is None:
        return {}
    log = journal.rows(str(Path(folder, MODEL_SCORES)))
    with log:
        missing = log.missing(rows)
        for start in range(0, len(missing), _BLOCK):
            block = missing[start : start + _BLOCK]
            found: list[Fields] = [{"id": row.id} for row in block]
            pairs = [(row, row.response, texts[row.id].text) for row in block]
            if models.aligner is not None:
                for side, index in zip(SIDES, (1, 2), strict=True):
                    scores = models.aligner.score([(p[0].document, str(p[index])) for p in pairs])
                    for fields, score in zip(found, scores, strict=True):
                        fields[f"alignscore_{side}"] = score
            if models.detector is not None:
                for side, index in zip(SIDES, (1, 2), strict=True):
                    asked = [
                        Instance(id=p[0].id, document=p[0].document, response=str(p[index]))
                        for p in pairs
                    ]
                    said = shares(asked, models.detector)
                    for fields, share in zip(found, said, strict=True):
                        fields[f"minicheck_{side}"] = share.probability
                        fields[f"minicheck_supported_{side}"] = share.supported
                        if share.error:  # asked again by the next run
                            fields["error"] = share.error
            log.write(*found)
        log.close(order=[row.id for row in rows])
    return log.rows


def _fields(
    settings: EvaluateSettings,
    metrics: Sequence[Metric],
    row: Revised,
    text: Scored,
    judged: Mapping[str, Fields],
    modelled: Mapping[str, Fields],
) -> Fields:
    """What every metric says of one row."""
    found: Fields = {"scored": text.source}
    if "edits" in metrics:
        found |= edit_fields(row.response, text.text)
    if "rouge" in metrics:
        found |= rouge_fields(row.document, row.response, text.text)
    if "alignscore" in metrics or "minicheck" in metrics:
        own = modelled[row.id].items()
        found |= {name: value for name, value in own if name not in ("id", "error")}
    if "minicheck" in metrics:
        found["minicheck_independent"] = is_independent(row, settings.detector)
    if "likert" in metrics:
        before = _values(judged, f"{row.id}|likert|original")[0]
        same = text.text == row.response
        after = before if same else _values(judged, f"{row.id}|likert|refined")[0]
        found |= {"likert_original": before, "likert_refined": after}
    if "pairwise" in metrics:
        found |= _pair_fields(settings, row, text.text, judged)
    for metric in ("alignscore", "minicheck", "likert", "pairwise"):
        if metric in metrics:
            before, after = found[f"{metric}_original"], found[f"{metric}_refined"]
            known = before is not None and after is not None
            found[f"{metric}_delta"] = after - before if known else None
    return found


def _pair_fields(
    settings: EvaluateSettings, row: Revised, refined: str, judged: Mapping[str, Fields]
) -> Fields:
    """Mean score of each side over the calls, and who won; equal texts are a tie unasked."""
    if refined == row.response:
        return {"pairwise_original": None, "pairwise_refined": None, "win": 0}
    sides: dict[str, list[float | None]] = {side: [] for side in SIDES}
    for swapped in _orders(settings, row.id):
        first = "refined" if swapped else "original"
        scores = _values(judged, f"{row.id}|pairwise|{first} first")
        if None in scores:  # half a verdict is none
            scores = (None, None)
        before, after = scores[::-1] if swapped else scores
        sides["original"].append(before)
        sides["refined"].append(after)
    before, after = mean_score(sides["original"]), mean_score(sides["refined"])
    return {
        "pairwise_original": before,
        "pairwise_refined": after,
        "win": win(before, after),
    }


def _values(judged: Mapping[str, Fields], name: str) -> tuple[float | None, ...]:
    return tuple(judged[name]["values"])


def _counted(judged: Mapping[str, Fields]) -> Fields:
    """How the judge's answers ended, each for itself."""
    ended = Counter(row["outcome"] for row in judged.values())
    return {"asked": len(judged)} | {outcome: ended[outcome] for outcome in OUTCOMES}
