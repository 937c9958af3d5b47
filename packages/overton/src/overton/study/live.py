"""The study's live part: an aligned model and its base, sampled now on a few contested questions.

The base model is shown the query alone, two examples, and two examples with a hint of what the
aligned model answered; the samples go through the same measures as the recorded ones.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.generation import Generator, open_generator
from tenpapers.journal import Journal, known_by
from tenpapers.records import read_json_lines, write_jsonl
from tenpapers.report import Picture, Table

from ..inputs.layout import CONFLICTING, PublishedFolder
from ..inputs.samples import load_samples
from ..judging.local_stance import LOCAL, LocalStance
from ..records import SampleSet, spread
from ..recovery.generate import counted, sample_into
from ..recovery.methods import MethodName
from ..recovery.settings import GenerateSettings
from ..scoring.coverage import covered
from ..scoring.lexical import jaccard_of_beginnings, lexical_diversity
from ..scoring.similarity_report import Comparison, report_frame, values_of
from ..scoring.stance import stance_profile
from .settings import Study
from .tables import coverage_table, diversity_table, endings_table, similarity_table, stance_table

Tree = dict[str, Any]
Part = list[str | Table | Picture]

# What is sampled, in this order: the hints are of the aligned model's answers.
ALIGNED = "aligned"
ARMS: dict[str, MethodName] = {
    ALIGNED: "aligned",
    "query-alone": "base",
    "examples": "icl",
    "examples-and-hint": "icl-summary",
}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@contextmanager
def live_models(study: Study) -> Iterator[dict[str, Generator]]:
    """The models that are sampled, by their specs; none without `--live`."""
    wanted = (study.live_model, study.live_base) if study.live else ()
    with ExitStack() as stack:
        yield {
            spec: stack.enter_context(open_generator(spec, cache=study.cache))
            for spec in dict.fromkeys(wanted)
        }


def identities(study: Study, models: Mapping[str, Generator]) -> dict[str, Any]:
    """The models as settings of a run: by what they contain."""
    specs = {"live_model": study.live_model, "live_base": study.live_base}
    return {
        name: known_by(spec, models[spec].backend.identity)
        for name, spec in specs.items()
        if spec in models
    }


def sample_live(
    journal: Journal, folder: PublishedFolder, models: Mapping[str, Generator], study: Study
) -> tuple[Tree, Part]:
    """Sample every arm into `live/` and measure; what was sampled before is kept.

    Raises
    ------
    UserError : no contested questions in the folder.
    """
    prompts = journal.file("live/prompts.jsonl")
    count = write_jsonl(prompts, _questions(folder.root, study.live_questions))
    hints = journal.file("live/hints.jsonl")
    arms: dict[str, SampleSet] = {}
    counts, tokens = {}, 0
    with as_file(files("overton") / "data/short_demos.jsonl") as demos:
        for arm, method in ARMS.items():
            spec = study.live_model if arm == ALIGNED else study.live_base
            settings = GenerateSettings(
                instances=prompts,
                model=spec,
                method=method,
                demos=demos,
                summaries=hints,
                n=study.live_samples,
                max_new_tokens=study.live_tokens,
                seed=study.seed,
                cache=study.cache,
            )
            done = sample_into(journal, f"live/{arm}.jsonl", models[spec], settings)
            counts[arm], tokens = asdict(counted(done.rows)), tokens + done.tokens
            arms[arm] = load_samples(journal.root / "live" / f"{arm}.jsonl")
            if arm == ALIGNED:
                write_jsonl(hints, _hints(arms[arm]))
                if study.live_base != study.live_model:
                    models[spec].close()  # one of the paper's models at a time fits a GPU
    tree: Tree = {"questions": count, "samples": counts, "tokens": tokens}
    measured, part = _measured(arms, folder.root, study)
    return tree | measured, [_opening(study, count), *part]


def _questions(root: Path, wanted: int) -> list[dict[str, Any]]:
    """Contested questions of the folder, evenly spread."""
    file = root / CONFLICTING / "instances.jsonl.gz"
    if not file.is_file():
        raise UserError(f"--live: no {CONFLICTING}/{file.name} in {root}, so nothing to ask")
    rows = [row for _, row in read_json_lines(file)]
    return [rows[place] for place in spread(len(rows), wanted)]


def _hints(samples: SampleSet) -> Iterator[dict[str, Any]]:
    """The first two sentences of every aligned answer, in the place of a model's summary."""
    for name, text in samples.firsts.items():
        hint = " ".join(_SENTENCE_END.split(text.strip())[:2]) if text else ""
        yield {"metadata": {"instance_id": name}, "outputs": [{"generated_text": hint}]}


def _opening(study: Study, count: int) -> str:
    same = study.live_model == study.live_base
    told = (
        f"Sampled now: {count} contested questions, {study.live_samples} samples each, at most "
        f"{study.live_tokens} new tokens. Aligned: {study.live_model} with its chat template. "
    )
    told += (
        "Base: the same checkpoint, which goes on with a document of queries and answers; a model "
        "without alignment is not here, so that this shows that the pipeline runs, not how far "
        "prompts reach."
        if same
        else f"Base: {study.live_base}."
    )
    return (
        f"{told} The hint is the first two sentences of the aligned model's first answer to the "
        "very question: an oracle. Its examples are two of ours."
    )


def _measured(arms: Mapping[str, SampleSet], root: Path, study: Study) -> tuple[Tree, Part]:
    everyone = list(arms.values())
    diversity = {name: lexical_diversity(one) for name, one in arms.items()}
    first = {
        name: {"Jaccard, first 25": jaccard_of_beginnings(one, 25)} for name, one in arms.items()
    }
    laid_over = {
        f"{ALIGNED}>{name}": covered(arms[ALIGNED], one).row()
        for name, one in arms.items()
        if name != ALIGNED
    }
    metrics = ["jaccard", "rougeL", *(["cos"] if study.semantic else [])]
    found = Comparison.of(
        arms[ALIGNED], everyone, metrics, base=arms["query-alone"], cache=study.cache
    )
    frame = report_frame(found, n_boot=study.draws, seed=study.seed)
    stances, agreement, note = _stances(arms, root)
    tree: Tree = {"diversity": diversity, "coverage": laid_over, "similarity": values_of(found)}
    tables = [
        diversity_table("Diversity", diversity, more=first),
        endings_table(everyone),
        coverage_table(laid_over),
        similarity_table(frame),
        *([stance_table(stances)] if stances else []),
    ]
    part: Part = [replace(table, title=f"Sampled now: {table.title}") for table in tables]
    return tree | {"stance": stances, LOCAL: agreement}, [*part, note]


def _stances(
    arms: Mapping[str, SampleSet], root: Path
) -> tuple[Tree, dict[str, float] | None, str]:
    """Stances by the small classifier, how far it agrees with the recorded judge, and a note."""
    try:
        judge = LocalStance.train(root)
    except UserError as error:
        return {}, None, f"No stances: {error.message}."
    rows = {
        name: stance_profile([judge.label(texts) for texts in one.usable()]).row()
        for name, one in arms.items()
    }
    told = judge.agreement
    note = (
        f"Stances by {LOCAL}, which agrees with the paper's judge on {told.accuracy:.3f} of "
        f"{told.n} recorded responses to questions left out (kappa {told.kappa:.3f}; always the "
        f"commonest stance: {told.majority:.3f})."
    )
    return rows, asdict(told), note
