"""The study: three corpora, every row of the table, answers, verdicts, the claims, the report."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tenpapers import data
from tenpapers.cli import stop_on_failures
from tenpapers.errors import UserError
from tenpapers.journal import Journal, key_of, known_by
from tenpapers.models.identity import identity_as_loaded
from tenpapers.paper import load_paper
from tenpapers.report import (
    REPORT_FILES,
    Picture,
    Table,
    manifest,
    print_report,
    write_report,
)
from tenpapers.settings import as_config

from ..inputs.averitec_pool import CLAIMS, WEB
from ..records import Claim
from ..retrieval.encoder import Encoder, identity_of
from ..retrieval.vectors import VectorCache
from .asked import BOUNDS, graded, read_and_judged
from .claims import judge
from .corpora import WICE, Corpus, averitec_corpus, synthetic_corpus, wice_corpus
from .figures import hits_figure
from .labels import CONTROL
from .measures import Cell, curve, difference, measured
from .rankings import Ranks
from .settings import Study
from .systems import Systems, kept, run_averitec, run_own
from .tables import (
    cells_of,
    choice_table,
    difference_table,
    main_table,
    models_table,
    of_view,
    pool_table,
    rows_table,
)

Body = list[str | Table | Picture]
FIGURE = "figure.png"
_ORDER = ("B1", "B2", "B4", "A1", "A2", "A3", "CFR", CONTROL)
_SIGNAL_OF = {"A1": "gold", "A2": "distill", "A3": "lerc"}


def reproduce(
    study: Study, out: Path, *, scale: str, overwrite: bool = False, wait: bool = False
) -> None:
    """Run the study and write report, tables, figure and JSON; a killed run goes on.

    Raises
    ------
    UserError : no data; `out` holds a study of other settings, models or data; what the stages
        raise.
    """
    folder = study.data or data.folder_or_hint("cfr")
    if folder is None:
        raise UserError("no data here", "`cfr data fetch`, or --data FOLDER")
    files = [folder / name for name in (CLAIMS, WEB, WICE)]
    if missing := [file.name for file in files if not file.is_file()]:
        raise UserError(f"{folder}: {missing[0]} is not in it", "`cfr data fetch` brings it")
    asked = ("teacher", "reader", "judge") if study.models else ()
    known = {
        name: known_by(getattr(study, name), identity_as_loaded(getattr(study, name)))
        for name in asked
    }
    known["encoder"] = known_by(study.encoder, identity_of(study.encoder))
    with Journal(
        out,
        key=key_of("cfr reproduce", study, **known),
        inputs=files,
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        journal.claim(*REPORT_FILES, FIGURE)
        failed, requests = _run(study, folder, files, journal, scale)
    stop_on_failures(failed, requests)


def _run(
    study: Study, folder: Path, files: Sequence[Path], journal: Journal, scale: str
) -> tuple[int, int]:
    began = time.monotonic()
    averitec, claims = averitec_corpus(study, folder)
    others = [wice_corpus(study, folder)]
    if study.synthetic:
        others.append(synthetic_corpus(study))
    base = _base(study)
    teacher = functools.partial(graded, study=study) if study.models else None
    main = run_averitec(averitec, others, study, base, journal, teacher)
    own = {corpus.name: run_own(corpus, study, base, journal) for corpus in others}
    models = _models(averitec, claims, main, study, journal) if study.models else {}
    every = {averitec.name: main} | own
    differences = _differences(main, own, study)
    signals = {name: main.rows.get(arm, {}).get("positives", 0) for arm, name in _SIGNAL_OF.items()}
    paper = load_paper("cfr")
    judged = judge(paper, differences=differences, signals=signals, models=models, base=study.base)
    measure = functools.partial(measured, seed=study.seed)
    cells = {name: cells_of(found.ranks, measure) for name, found in every.items()}
    carried = {name: cells_of(runs, measure) for name, runs in main.transfer.items()}
    body = _body(study, averitec, every, cells, carried, models, differences, main.teacher)
    picture = hits_figure(journal.root / FIGURE, _panels(every, main.transfer))
    said = {claim.id: claim.sentence for claim in paper.claims}
    verdicts = [[said[one["id"]], one["verdict"], one["evidence"]] for one in judged]
    body.insert(2, picture)
    body.insert(3, Table("Claims", ["claim", "verdict", "evidence"], verdicts))
    results = {
        "claims": judged,
        "pools": {view: found for views in cells.values() for view, found in views.items()},
        "transfer": {view: found for views in carried.values() for view, found in views.items()},
        "differences": differences,
        "choice": {name: found.choice for name, found in every.items()},
        "training": {name: found.rows for name, found in every.items()},
        "teacher": main.teacher,
        "models": models,
        "hits": _panels(every, main.transfer),
    }
    details = manifest(as_config(study), seed=study.seed, began=began, data=files)
    write_report(journal.root, f"cfr, {scale} scale", body, results=results, manifest=details)
    print_report(body, journal.root, time.monotonic() - began)
    teacher_counts = main.teacher or {}
    failed = sum(one["failed"] for one in models.values()) + teacher_counts.get("failed", 0)
    requests = sum(one["asked"] for one in models.values()) + teacher_counts.get("queries", 0)
    return failed, requests


def _base(study: Study) -> VectorCache:
    encoder = Encoder.load(study.encoder)
    encoder.config = dataclasses.replace(encoder.config, query_format=study.query_format)
    return VectorCache(encoder, progress="vectors")


def _models(
    corpus: Corpus, claims: Sequence[Claim], found: Systems, study: Study, journal: Journal
) -> dict[str, Any]:
    """Answers and verdicts from the passages of some systems, and the judge's two bounds."""
    made = {}
    names = [study.base if name in ("B2", "B4") else name for name in study.read]
    for name in dict.fromkeys(names):
        if name in found.top:
            make = functools.partial(read_and_judged, corpus, claims, found.top[name], study)
            made[name] = kept(journal, f"read {name}", make)
    for name, gold in zip(BOUNDS, (False, True), strict=True):
        make = functools.partial(read_and_judged, corpus, claims, None, study, gold=gold)
        made[name] = kept(journal, f"read {name}", make)
    return made


def _differences(
    main: Systems, own: Mapping[str, Systems], study: Study
) -> dict[str, dict[str, Cell]]:
    """hit@1 of tuned systems less that of the untuned encoder and of the control."""
    found: dict[str, dict[str, Cell]] = {}

    def add(name: str, ours: Any, theirs: Any) -> None:
        for view in ours[0] if ours and theirs else ():
            cell = difference(of_view(ours, view), of_view(theirs, view), "hit@1", seed=study.seed)
            found.setdefault(name, {})[view] = cell

    for arm in ("A1", "CFR"):
        for against in (study.base, CONTROL):
            add(f"{arm} - {against}", main.ranks.get(arm), main.ranks.get(against))
    for name, systems in own.items():
        for against in (study.base, CONTROL):
            label = f"A1 - {against}, trained on {name}"
            add(label, systems.ranks.get("A1"), systems.ranks.get(against))
        carried = main.transfer.get(name, {})
        for against, theirs in (
            (study.base, systems.ranks.get(study.base)),
            (CONTROL, carried.get(CONTROL)),
        ):
            add(f"transfer: CFR - {against}", carried.get("CFR"), theirs)
    return found


def _panels(
    every: Mapping[str, Systems], transfer: Mapping[str, Mapping[str, Sequence[Ranks]]]
) -> dict[str, dict[str, list[float]]]:
    """hit@k by pool and system; where nothing was trained, of what was trained on AV-400."""
    panels: dict[str, dict[str, list[float]]] = {}
    for name, found in every.items():
        carried = {} if found.rows else transfer.get(name, {})
        for system, runs in (found.ranks | dict(carried)).items():
            for view in runs[0]:
                if runs[0][view]:
                    panels.setdefault(view, {})[system] = curve(of_view(runs, view))
    return panels


def _body(
    study: Study,
    averitec: Corpus,
    every: Mapping[str, Systems],
    cells: Mapping[str, Any],
    carried: Mapping[str, Any],
    models: Mapping[str, Any],
    differences: Mapping[str, Mapping[str, Cell]],
    teacher: Mapping[str, Any] | None,
) -> Body:
    pools = {view: found for views in cells.values() for view, found in views.items()}
    main = every[averitec.name]
    systems = [name for name in _ORDER if name in main.ranks or name in main.rows]
    body: Body = [_opening(study, averitec), main_table(systems, pools, models, _note(study))]
    body += [
        pool_table(view, found)
        for view, found in pools.items()
        if any(map(_measured, found.values()))
    ]
    body += [
        pool_table(f"{view}: trained on AV-400, as it is", found)
        for views in carried.values()
        for view, found in views.items()
    ]
    body.append(difference_table(differences))
    body += _control_sentences(every, pools, study)
    trained = {name: found for name, found in every.items() if found.rows}
    body.append(choice_table({name: found.choice for name, found in trained.items()}))
    body.append(rows_table({name: found.rows for name, found in trained.items()}))
    if teacher:
        body.append(_teacher_sentence(study, teacher))
    if models:
        body += [models_table(models), _models_sentence(study)]
    return body


def _measured(cells: Mapping[str, Cell]) -> bool:
    return bool(cells["mrr"]["n"])


def _opening(study: Study, corpus: Corpus) -> str:
    return (
        f"Base encoder: {study.encoder}; scope {study.scope}. AV-400 has {len(corpus.passages)} "
        f"passages, {len(corpus.train)} queries to train on and {len(corpus.test)} to test with. "
        "Its pools, WiCE's and the synthetic set are ours, not the paper's. On AV-400 what answers "
        "are sentences that annotators wrote and most others are text of the web, so a part of any "
        "gain on the full pool is learning how an answer sounds; the pool of answers only and "
        "WiCE's own articles leave that way out. A gain counts where it is there as well, and is "
        "not the control's."
    )


def _note(study: Study) -> str:
    return (
        f"Tuned rows are means of {study.seeds} seeds; every system ranks the whole pool. A3: a "
        "sentence stands for the answer that a reader would give from it, its cosine to a person's "
        "answer for LERC's score. On WiCE there is only gold evidence: A1 and C1 are trained on "
        "its own claims. Answers and verdicts are those of the first seed."
    )


def _control_sentences(
    every: Mapping[str, Systems], pools: Mapping[str, Any], study: Study
) -> list[str]:
    """Of each pool whether gold gained more than its control on every seed."""
    lines = []
    for found in every.values():
        for view in found.ranks.get("A1", [{}])[0]:
            ours = pools[view]["A1"]["mrr"]["seeds"]
            theirs = pools[view].get(CONTROL, {}).get("mrr", {}).get("seeds", [])
            untuned = pools[view][study.base]["mrr"]["mean"]
            if not theirs or untuned is None or None in (*ours, *theirs):
                continue
            pairs = ", ".join(f"{a:.3f} against {b:.3f}" for a, b in zip(ours, theirs, strict=True))
            gained = all(a > max(b, untuned) for a, b in zip(ours, theirs, strict=True))
            verdict = "a gain on every seed" if gained else "no gain was shown"
            lines.append(
                f"{view}, MRR of A1 against its control on each seed: {pairs}; untuned "
                f"{untuned:.3f}: {verdict}."
            )
    return ["\n\n".join(lines)] if lines else []


def _teacher_sentence(study: Study, teacher: Mapping[str, Any]) -> str:
    def share(name: str) -> str:
        return "n/a" if teacher[name] is None else f"{teacher[name]:.3f}"

    text = (
        f"Teacher {study.teacher}: {teacher['judged']} passages judged, {teacher['relevant']} of "
        f"them gold evidence, {teacher['positive']} called positive, {teacher['both']} rightly; "
        f"precision {share('precision')}, recall {share('recall')}, chance that gold evidence "
        f"scores above another passage of its query {share('auc')} (0.5 is guessing)."
    )
    if teacher["auc"] is None or teacher["auc"] < 0.6:
        text += " Its labels are noise: A2 says nothing of the paper's teacher."
    return text


def _models_sentence(study: Study) -> str:
    return (
        f"Reader {study.reader}, judge {study.judge}. An accuracy that one label for all "
        "claims would reach too says nothing of retrieval, and a small model follows the prompts "
        "only in part. "
        "embed is a cosine of vectors and no LERC."
    )
