"""The study from the recorded outputs: every number, the claims, the report."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tenpapers import data as published
from tenpapers.cli import stop_on_failures
from tenpapers.errors import UserError
from tenpapers.generation import Generator
from tenpapers.journal import Journal, key_of
from tenpapers.paper import Paper, load_paper
from tenpapers.records import read_json
from tenpapers.report import REPORT_FILES, Picture, Table, manifest, print_report
from tenpapers.settings import as_config

from ..embedding.vectors import TextVectors
from ..inputs.judgements import load_judgements
from ..inputs.layout import DATASETS, LIMA, PublishedFolder, published_folder
from ..scoring.coverage import covered
from ..scoring.quality_control import quality_control
from ..scoring.similarity import Similarity
from ..scoring.similarity_report import Comparison, report_frame
from .claims import ALIGNED, BASE, Evidence, judge
from .expected import Compared, compare_trees
from .figures import similarity_figure, stance_figure, union_figure
from .live import identities, live_models, sample_live
from .replay_neighbours import replay_neighbours
from .settings import Study
from .tables import (
    coverage_table,
    diversity_table,
    endings_table,
    missing_table,
    quality_control_table,
    quality_table,
    similarity_table,
    stance_table,
    study_table,
    unread_sentence,
)
from .tree import (
    ABOUT,
    COVERED,
    Runs,
    beginnings,
    bertscore_tree,
    compared,
    coverage_tree,
    lexical_tree,
    load_runs,
    similarity_tree,
    verdict_tree,
)
from .written import figure, write_all

log = logging.getLogger(__name__)
# What the gap to a teacher's ceiling is measured from.
_BASES = {"llama-2-chat": BASE, "gpt-3.5-turbo": BASE, "mistral-instruct": "mistral"}
# What a reader of the recorded lengths should know.
_LIMITS = (
    "The recorded runs were cut at different lengths: at 1,024 new tokens in the first wave "
    "(ConflictingQA: base, `icl`, chat, `icl-chat`, `icl-gpt-3.5` and nearest-prompt runs; "
    "LIMA-OE: `icl-chat`, `icl-gpt-3.5` and GPT-3.5's nearest-prompt run), at 664 in LIMA-OE "
    "`llama-2-icl-chat-knn-prompt_similar`, at 700 else; GPT-3.5's on LIMA-OE is not known. "
    "Lengths across these limits are not comparable; Jaccard of the first words is. "
    "`-summary-cot` waited for a wrong header, ran past its answers, and is measured as it stands."
)
_FEWER = (
    "Cosines: on {} of LIMA-OE's questions, evenly spread, and not held against those that came "
    "with the data; --semantic-questions 0 takes all."
)
# What the figure of similarities shows, from the base model to the ceiling.
_PICTURED = (
    BASE,
    "llama-2-icl",
    "llama-2-icl-chat",
    "llama-2-icl-chat-rand",
    "llama-2-icl-chat-knn-prompt_similar",
    "llama-2-icl-chat-knn-response_similar",
    "llama-2-icl-chat-summary-cot",
    "llama-2-icl-chat-summary",
    "mistral",
    "mistral-icl-chat",
    "mistral-icl-chat-summary",
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-summary-llama-2-chat",
    ALIGNED,
)


def reproduce(
    out: Path, study: Study, *, scale: str, overwrite: bool = False, wait: bool = False
) -> None:
    """Run the study on recorded outputs, whole or any part of them, and write its report.

    Raises
    ------
    UserError : no recorded outputs; `out` holds a study of other settings or inputs.
    """
    root = study.data or published.folder_or_hint("overton")
    if root is None:
        raise UserError("no recorded outputs here", "`overton data fetch`, or --data FOLDER")
    folder = published_folder(root)
    with (
        live_models(study) as models,
        Journal(
            out,
            key=key_of("overton reproduce", study, **identities(study, models)),
            inputs=[root],
            overwrite=overwrite,
            wait=wait,
        ) as journal,
    ):
        journal.claim(*REPORT_FILES)
        missed = _run_study(journal, study, folder, models, scale)
    stop_on_failures(missed, 1)


def _run_study(
    journal: Journal,
    study: Study,
    folder: PublishedFolder,
    models: Mapping[str, Generator],
    scale: str,
) -> int:
    began = time.monotonic()
    paper = load_paper("overton")
    runs = load_runs(folder)
    vectors = TextVectors(cache=study.cache) if study.semantic and runs[LIMA] else None
    similarities = compared(runs, vectors, study.semantic_questions)
    tree: dict[str, Any] = {
        "_about": ABOUT,
        **lexical_tree(runs),
        "similarity_LIMA-OE": similarity_tree(similarities),
        "coverage": coverage_tree(runs),
        **verdict_tree(folder),
        "bertscore": bertscore_tree(folder),
    }
    control = _quality_control(folder, runs)
    shuffled = _shuffled_coverage(runs)
    evidence = Evidence(
        tree, control, shuffled, similarities, study.draws, (study.seed, study.seed + 1)
    )
    neighbours = replay_neighbours(folder)
    whole = study.semantic and not study.semantic_questions
    checked = _expected(folder, tree, cosines=whole)
    results = tree | {
        "quality_control": {BASE: control} if control else {},
        "coverage_control": shuffled,
        "neighbours": neighbours,
        "expected": _counted(checked),
        "claims": judge(paper, evidence),
    }
    body: list[str | Table | Picture] = [_opening(runs, checked, neighbours)]
    if any(tree[kind] for kind in ("stance", "quality", "missing_topics")):
        body.append(study_table(tree, DATASETS, paper))
    body += _verdict_part(journal, tree, control, paper)
    body += _text_part(journal, runs, tree, shuffled, paper)
    body += _similarity_part(journal, similarities, tree, study)
    body.append(_claims_table(results["claims"], paper))
    tokens = 0
    if models:
        results["live"], part = sample_live(journal, folder, models, study)
        tokens, body = results["live"]["tokens"], body + part
    data = _files(folder.root)
    details = manifest(as_config(study), seed=study.seed, began=began, data=data, tokens=tokens)
    title = f"overton, {scale} scale"
    write_all(journal, title, body, results=results, manifest=details)
    print_report(body, journal.root, time.monotonic() - began)
    return sum(not one.agrees for one in checked)


def _files(root: Path) -> list[Path]:
    return sorted(file for file in root.rglob("*") if file.is_file())


def _quality_control(folder: PublishedFolder, runs: Runs) -> dict[str, Any] | None:
    samples = runs[LIMA].get(BASE)
    quality = folder.verdicts(LIMA, "eval-quality").get(BASE)
    missing = folder.verdicts(LIMA, "eval-missing").get(f"ref_{ALIGNED}--alt_{BASE}")
    if samples is None or quality is None:
        return None
    news = load_judgements(missing, "missing") if missing else []
    return quality_control(samples, load_judgements(quality, "quality"), news)


def _shuffled_coverage(runs: Runs) -> dict[str, float | None]:
    """Coverage of base samples by the aligned answer to the next question: a control."""
    found: dict[str, float | None] = {}
    for dataset, pairs in COVERED.items():
        for aligned, base in pairs:
            models = runs[dataset]
            if aligned in models and base in models and len(models[aligned].ids) > 1:
                order = [*range(1, len(models[aligned].ids)), 0]
                taken = models[aligned].take(order)
                other = replace(taken, ids=models[aligned].ids, prompts=())
                found[f"{dataset}:{aligned}>{base}"] = covered(other, models[base]).each
    return found


def _expected(folder: PublishedFolder, tree: dict[str, Any], *, cosines: bool) -> list[Compared]:
    file = folder.root / "expected.json"
    if not file.is_file():
        return []
    checked = compare_trees(read_json(file), tree, cosines=cosines)
    for one in checked:
        if not one.agrees:
            log.warning("%s: %s expected, ours %s", one.name, one.expected, one.ours)
    return checked


def _counted(checked: list[Compared]) -> dict[str, Any] | None:
    if not checked:
        return None
    wrong = [one.name for one in checked if not one.agrees]
    return {"compared": len(checked), "agree": len(checked) - len(wrong), "differ": wrong}


def _opening(runs: Runs, checked: list[Compared], neighbours: dict[str, Any] | None) -> str:
    read = ", ".join(
        f"{name}: {len(models)} sampled runs of "
        f"{max((len(samples.ids) for samples in models.values()), default=0)} questions"
        for name, models in runs.items()
    )
    parts = [f"Recorded outputs. {read}."]
    if checked:
        right = sum(one.agrees for one in checked)
        parts.append(f"Of {len(checked)} values that came with them {right} come out the same.")
    if neighbours:
        parts.append(
            f"Of {neighbours['rows']} published choices of nearest questions {neighbours['same']} "
            "come out the same, order included."
        )
    return " ".join(parts)


def _verdict_part(
    journal: Journal, tree: dict[str, Any], control: dict[str, Any] | None, paper: Paper
) -> list[str | Table | Picture]:
    body: list[str | Table | Picture] = []
    if tree["stance"]:
        body.append(stance_table(tree["stance"], paper))
        if any(row["n"] for row in tree["stance"].values()):
            body.append(stance_figure(figure(journal, "stances"), tree["stance"]))
    if tree["quality"]:
        body.append(quality_table(tree["quality"]))
    if tree["missing_topics"]:
        body.append(missing_table(tree["missing_topics"]))
    if control:
        body.append(quality_control_table({BASE: control}))
    if tree["unread_verdicts"]:
        body.append(unread_sentence(tree["unread_verdicts"]))
    return body


def _text_part(
    journal: Journal,
    runs: Runs,
    tree: dict[str, Any],
    shuffled: dict[str, float | None],
    paper: Paper,
) -> list[str | Table | Picture]:
    body: list[str | Table | Picture] = []
    for dataset, models in tree["lexical"].items():
        if not models:
            continue
        first = tree[beginnings(dataset)]
        more = {
            name: {"Jaccard, first 50": first[name]["50"]} | tree["style"][f"{dataset}:{name}"]
            for name in models
        }
        title = f"Diversity, {dataset}"
        body.append(diversity_table(title, models, more=more, paper=paper, prefix=dataset))
        body.append(endings_table(list(runs[dataset].values())))
    if any(tree["lexical"].values()):
        body.append(_LIMITS)
    if tree["coverage"]:
        body.append(coverage_table(tree["coverage"], shuffled))
        picture = union_figure(figure(journal, "union_growth"), tree["coverage"])
        body += [picture] if picture else []
    return body


def _similarity_part(
    journal: Journal, similarities: list[Similarity], tree: dict[str, Any], study: Study
) -> list[str | Table | Picture]:
    import pandas

    frames = []
    for reference, base in _BASES.items():
        found = [one for one in similarities if one.reference == reference]
        ceiling = next((one for one in found if one.is_self), None)
        start = next((one for one in found if one.alternative == base), None)
        if found:
            comparison = Comparison(found, ceiling, start)
            frames.append(report_frame(comparison, n_boot=study.draws, seed=study.seed))
    body: list[str | Table | Picture] = []
    if frames:
        frame = pandas.concat(frames)
        picture = similarity_figure(figure(journal, "similarity"), frame, ALIGNED, _PICTURED)
        body += [
            similarity_table(frame),
            *([picture] if picture else []),
            *([_FEWER.format(study.semantic_questions)] if study.semantic_questions else []),
            "Demonstrations come from the test set with the teacher's answers; runs with "
            "`-response_similar` or `-summary` in their names were also given the teacher's answer "
            "to the question, or its summary: they are oracles.",
        ]
    if tree["bertscore"]:
        rows = [
            [name, row["pairs"], row["mean_f1"], row["max_f1"]]
            for name, row in tree["bertscore"].items()
        ]
        columns = ["reference -- alternative", "pairs", "mean F1", "best of k"]
        note = (
            "roberta-large, layer 17, the closing fence still there, 512 word pieces: most answers "
            "of Llama-2-chat are longer and were cut."
        )
        body.append(Table("Published BERTScores, aggregated", columns, rows, note=note))
    return body


def _claims_table(claims: list[dict[str, Any]], paper: Paper) -> Table:
    said = {claim.id: claim.sentence for claim in paper.claims}
    rows = [[said[one["id"]], one["verdict"], one["evidence"]] for one in claims]
    return Table("Claims", ["claim", "verdict", "evidence"], rows)
