"""Files of one's own: every table and figure that they allow."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, get_args

from tenpapers.cli import comma_separated
from tenpapers.errors import UserError
from tenpapers.journal import Journal, key_of
from tenpapers.report import REPORT_FILES, Picture, Table, manifest, print_report
from tenpapers.settings import as_config

from ..embedding.semantic_diversity import cross_homogenisation, semantic_diversity
from ..embedding.vectors import TextVectors
from ..inputs.judgements import load_judgements, refuse_repeats
from ..inputs.layout import pair_of
from ..inputs.samples import distinct_names, load_samples, model_name
from ..records import JudgeKind, Judgement, SampleSet
from ..scoring.coverage import covered
from ..scoring.formats import formats
from ..scoring.lexical import LENGTHS, jaccard_of_beginnings, lexical_diversity
from ..scoring.quality_control import quality_control
from ..scoring.similarity_report import Comparison, known_metrics, report_frame, values_of
from ..scoring.stance import stance_profile
from ..scoring.tokens import other_letters, other_letters_note
from ..scoring.verdicts import (
    missing_information,
    quality_scores,
    stance_labels,
    topics_of,
    unread,
)
from .figures import jaccard_figure, similarity_figure, stance_figure, union_figure
from .settings import AnalysisSettings
from .tables import (
    coverage_table,
    diversity_table,
    endings_table,
    missing_table,
    named,
    quality_control_table,
    quality_table,
    similarity_table,
    single_note,
    stance_table,
    unread_sentence,
)
from .written import figure, write_all

Part = list[str | Table | Picture]
Tree = dict[str, Any]
# Similarities that need an encoder, and are measured on a share of the questions.
_ENCODED = ("cos", "bertscore")
_KINDS = "|".join(get_args(JudgeKind))


def analyse(
    files: Sequence[Path],
    settings: AnalysisSettings,
    out: Path,
    *,
    overwrite: bool = False,
    wait: bool = False,
) -> None:
    """Measure two or more models and write report, tables, figures and results.

    Raises
    ------
    UserError : one file alone; files that do not fit; an unknown metric; `out` holds another
        analysis.
    """
    named_files = distinct_names(files)
    known_metrics(comma_separated(settings.metric))
    reference = settings.reference or files[-1]
    if len({file.resolve() for file in (*named_files.values(), reference)}) < 2:
        raise UserError("analyse compares models: give two files of samples at least")
    inputs = [*files, reference, *(settings.judgements or [])]
    with Journal(
        out,
        key=key_of("overton analyse", settings),
        inputs=inputs,
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        journal.claim(*REPORT_FILES)
        _analyse(journal, named_files, reference, settings)


def _analyse(
    journal: Journal, files: dict[str, Path], reference: Path, settings: AnalysisSettings
) -> None:
    began = time.monotonic()
    fence = not settings.keep_fence
    models = {name: load_samples(file, closing_fence=fence) for name, file in files.items()}
    own = next((n for n, file in files.items() if file.resolve() == reference.resolve()), None)
    ref = models[own] if own else load_samples(reference, closing_fence=fence)
    everyone = list(models.values())
    for one in everyone:  # what does not fit is told before the work
        one.aligned_with(ref)
    few = ref.spread(settings.semantic_questions)
    wanted = comma_separated(settings.metric)
    vectors = TextVectors(settings.encoder, cache=settings.cache) if "cos" in wanted else None
    judged = _verdicts(journal, models, settings.judgements or [])
    body: Part = [_opening(everyone, ref, reference_given=settings.reference is not None)]
    tree: Tree = {"reference": ref.model, "semantic_questions": len(few)}
    parts = [
        _diversity(journal, everyone, settings),
        judged,
        _coverage(journal, ref, everyone, settings),
        _similarity(journal, ref, everyone, few, wanted, settings),
    ]
    if vectors is not None:
        parts.append(_semantic([one.aligned_with(ref).take(few) for one in everyone], vectors))
    for values, part in parts:
        tree |= values
        body += part
    details = manifest(as_config(settings), seed=settings.seed, began=began, data=[*files.values()])
    write_all(journal, "overton: analysis", body, results=tree, manifest=details)
    print_report(body, journal.root, time.monotonic() - began)


def _opening(models: Sequence[SampleSet], ref: SampleSet, *, reference_given: bool) -> str:
    read = ", ".join(
        f"{one.model} ({len(one.ids)} questions, {sum(map(len, one.endings))} samples)"
        for one in models
    )
    chosen = "" if reference_given else " (the last file; --reference names another)"
    return f"Models: {read}. Reference: {ref.model}{chosen}. {single_note(models)}".strip()


def _diversity(
    journal: Journal, models: Sequence[SampleSet], settings: AnalysisSettings
) -> tuple[Tree, Part]:
    rows = {one.model: lexical_diversity(one, settings.tokenizer) for one in models}
    more = {
        one.model: {
            f"Jaccard, first {length}": jaccard_of_beginnings(one, length) for length in LENGTHS
        }
        | formats(one)
        for one in models
    }
    part: Part = [diversity_table("Diversity", rows, more=more), endings_table(models)]
    if any(row["jaccard"] is not None for row in rows.values()):
        title = "Similarity among a model's own samples"
        part.append(jaccard_figure(figure(journal, "diversity"), title, rows))
    tree: Tree = {"diversity": rows, "length_control_and_formats": more}
    if settings.tokenizer == "simple" and (letters := other_letters(models)):
        part.append(other_letters_note(letters))
        tree["other_letters"] = letters
    return tree, part


def _verdicts(
    journal: Journal, models: dict[str, SampleSet], files: Sequence[Path]
) -> tuple[Tree, Part]:
    found: dict[str, dict[str, list[Judgement]]] = {}
    left_out: Tree = {}
    for file in files:
        judged = load_judgements(file)
        name, kind = model_name(file), judged[0].kind
        pair = pair_of(name)
        name = pair[1] if pair else _model_of(name, models, judged)
        found.setdefault(kind, {}).setdefault(name, []).extend(judged)
        refuse_repeats(found[kind][name], str(file))
        if wrong := unread(judged):
            left_out[f"{kind}:{name}"] = wrong
    stances = {
        name: stance_profile(stance_labels(own)).row()
        for name, own in found.get("stance", {}).items()
    }
    quality = {name: quality_scores(own) for name, own in found.get("quality", {}).items()}
    missing: Tree = {
        name: missing_information(own) for name, own in found.get("missing", {}).items()
    }
    for name, own in found.get("topics", {}).items():
        missing.setdefault(name, {}).update(topics_of(own))
    control = {
        name: quality_control(models[name], own, found.get("missing", {}).get(name, []))
        for name, own in found.get("quality", {}).items()
        if name in models
    }
    tree: Tree = {"pluralism": stances, "quality": quality, "missing_topics": missing}
    tree |= {"quality_control": control, "unread_verdicts": left_out}
    part: Part = []
    if stances:
        part.append(stance_table(stances))
        if any(row["n"] for row in stances.values()):
            part.append(stance_figure(figure(journal, "stances"), stances))
    part += [quality_table(quality)] if quality else []
    part += [missing_table(missing)] if missing else []
    part += [quality_control_table(control)] if control else []
    if left_out:
        part.append(unread_sentence(left_out))
    return {name: values for name, values in tree.items() if values}, part


def _model_of(name: str, models: Collection[str], judged: Sequence[Judgement]) -> str:
    """The model that verdicts are on, by their file's name: `base`, `stance-base`, `base.stance`.

    A name that is no model's gives way to what the verdicts themselves say; one that only holds a
    model's is another's: `base-icl` is not `base`.
    """
    bare = re.sub(rf"^({_KINDS})[-_.]|[-_.]({_KINDS})$", "", name)
    found = [known for known in (name, bare) if known in models]
    said = {one.model for one in judged}
    return [*found, *(said if len(said) == 1 else ()), name][0]


def _coverage(
    journal: Journal, ref: SampleSet, models: Sequence[SampleSet], settings: AnalysisSettings
) -> tuple[Tree, Part]:
    pairs = {
        f"{ref.model}>{one.model}": covered(ref, one, settings.tokenizer).row()
        for one in models
        if one is not ref
    }
    picture = union_figure(figure(journal, "union_growth"), pairs)
    return {"coverage": pairs}, [coverage_table(pairs), *([picture] if picture else [])]


def _similarity(
    journal: Journal,
    ref: SampleSet,
    models: Sequence[SampleSet],
    few: Sequence[int],
    wanted: Sequence[str],
    settings: AnalysisSettings,
) -> tuple[Tree, Part]:
    import pandas

    # A reference with one sample a question has no ceiling; the others are compared all the same.
    single = all(len(texts) < 2 for texts in ref.texts)
    alts = [one for one in models if one is not ref or not single]
    encoded = [metric for metric in wanted if metric in _ENCODED]
    plain = [metric for metric in wanted if metric not in _ENCODED]
    values: Tree = {}
    frames, part = [], []
    for metrics, whole in ((plain, True), (encoded, False)):
        if not metrics or not alts:
            continue
        own = ref if whole else ref.take(few)
        others = [
            own if one is ref else (one if whole else one.aligned_with(ref).take(few))
            for one in alts
        ]
        found = Comparison.of(own, others, metrics, encoder=settings.encoder, cache=settings.cache)
        for name, row in values_of(found).items():
            values[name] = row | values.get(name, {})
        frames.append(report_frame(found, n_boot=settings.draws, seed=settings.seed))
        part += [note for note in found.notes if note not in part]
    if not frames:
        return {}, []
    if encoded and len(few) < len(ref.ids):
        part.append(
            f"{', '.join(map(named, encoded))}: on {len(few)} of {len(ref.ids)} questions, evenly "
            "spread; --semantic-questions 0 takes all."
        )
    frame = pandas.concat(frames)
    picture = similarity_figure(figure(journal, "similarity"), frame, ref.model, list(values))
    return {"similarity": values}, [similarity_table(frame), *part, *([picture] if picture else [])]


def _semantic(models: Sequence[SampleSet], vectors: TextVectors) -> tuple[Tree, Part]:
    rows = {one.model: semantic_diversity(one, vectors) for one in models}
    cross = {
        f"{a.model}|{b.model}": cross_homogenisation(a, b, vectors)
        for place, a in enumerate(models)
        for b in models[place + 1 :]
    }
    table = Table(
        "Semantic diversity",
        ["model", "questions", "1 - cosine among own samples"],
        [[name, row["questions"], row["diversity"]] for name, row in rows.items()],
    )
    pairs = Table(
        "Likeness of two models' answers to one question",
        ["models", "mean cosine"],
        [[name, value] for name, value in cross.items()],
        note="Beside a model's own 1 - diversity: two models as alike as one with itself.",
    )
    return {"semantic": rows, "cross_homogenisation": cross}, [table, pairs]
