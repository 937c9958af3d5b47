"""The study: known errors on several seeds, natural errors, recipes with models, the report."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tenpapers import data as published
from tenpapers.cli import stop_on_failures
from tenpapers.errors import UserError
from tenpapers.journal import Journal, key_of
from tenpapers.paper import load_paper
from tenpapers.records import read_json, write_json, write_text
from tenpapers.report import (
    REPORT_FILES,
    Picture,
    Table,
    manifest,
    print_report,
    write_report,
)
from tenpapers.sentences import splitter
from tenpapers.settings import as_config

from ..controlled.base_sentences import base_sentences
from ..inputs.faithbench import read_faithbench
from ..inputs.instances import read_instances
from .arms import DROP, ORACLE
from .claims import judge
from .controlled import controlled_part, summary_of_seeds
from .figures import Point, gain_figure
from .language_models import FOLDER, RefinedByModels, chosen, identities, refine_with_models
from .natural import error_types, natural_part
from .settings import Study
from .tables import (
    claims_table,
    critic_table,
    detector_table,
    difference_table,
    error_type_table,
    main_table,
    models_table,
    tofueval_table,
)

Body = list[str | Table | Picture]
Fields = dict[str, Any]
FIGURE, TABLES = "figure.png", "tables"
FAITHBENCH = "faithbench.jsonl.gz"
TOFUEVAL = {
    "MediaSum, dev": "tofueval_mediasum_dev.csv.gz",
    "MeetingBank, dev": "tofueval_meetingbank_dev.csv.gz",
}


def reproduce(
    out: Path, study: Study, *, scale: str, overwrite: bool = False, wait: bool = False
) -> None:
    """Run the study and write report, tables, figure and JSON; a killed run goes on.

    Raises
    ------
    UserError : no data; `out` holds a study of other settings, models or data.
    """
    folder = study.data or published.folder_or_hint("dcr")
    if folder is None:
        raise UserError("no data here", "`dcr data fetch`, or --data FOLDER")
    if not (folder / FAITHBENCH).is_file():
        raise UserError(f"{folder}: {FAITHBENCH} is not in it", "`dcr data fetch` brings it")
    files = [folder / name for name in (FAITHBENCH, *TOFUEVAL.values())]
    files = [file for file in files if file.is_file()]
    with Journal(
        out,
        key=key_of("dcr reproduce", study, **identities(study)),
        inputs=[*files, study.responses],
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        journal.claim(*REPORT_FILES, FIGURE)
        by_models = _run(study, folder, files, journal, scale)
    if by_models is not None:
        stop_on_failures(by_models.failed, by_models.asked)


def _run(
    study: Study, folder: Path, files: Sequence[Path], journal: Journal, scale: str
) -> RefinedByModels | None:
    began = time.monotonic()
    paper = load_paper("dcr")
    instances = read_faithbench(folder / FAITHBENCH)[: study.limit]
    base = list(base_sentences(instances))
    seeds = [
        _kept(journal, f"controlled, seed {seed}", partial(controlled_part, base, study, seed))
        for seed in study.every_seed
    ]
    together = summary_of_seeds(seeds, study)
    natural = _kept(journal, "natural", partial(natural_part, instances, study))
    tofueval = {
        name: error_types(folder / file)
        for name, file in TOFUEVAL.items()
        if (folder / file).is_file()
    }
    by_models = None
    if study.models:
        responses = read_instances(study.responses) if study.responses else instances
        by_models = refine_with_models(chosen(responses, study), study, journal)
    summaries = by_models.summaries if by_models else {}
    claims = judge(paper, differences=together["differences"], recipes=summaries)
    results = {
        "claims": claims,
        "sentence_splitter": splitter(),
        "arms": together["arms"],
        "differences": together["differences"],
        "seeds": [
            {name: seed[name] for name in ("seed", "train_pairs", "pairs", "detector", "quality")}
            for seed in seeds
        ],
        "natural": natural,
        "tofueval": tofueval,
        "models": summaries,
        "examples": by_models.examples if by_models else {},
        "failed": by_models.failed if by_models else 0,
    }
    picture = gain_figure(
        journal.root / FIGURE,
        _points(together["arms"]),
        "balance: mended and left alone, mean",
        title="Known errors in real sentences: what each recipe makes of them",
        nothing=0.5,
    )
    body: Body = [
        _opening(seeds, study),
        main_table(together["arms"]),
        picture,
        claims_table(claims, paper),
        difference_table(together["differences"]),
        detector_table([seed["detector"] for seed in seeds], natural),
        critic_table([seed["quality"] for seed in seeds]),
    ]
    if tofueval:
        body += [
            tofueval_table(tofueval),
            error_type_table({name: found["types"] for name, found in tofueval.items()}),
        ]
    if by_models is not None and summaries:
        body += [models_table(summaries, paper), *_of_models(by_models, study)]
    _write_tables(journal, body)
    details = manifest(as_config(study), seed=study.seed, began=began, data=files)
    write_report(journal.root, f"dcr, {scale} scale", body, results=results, manifest=details)
    print_report(body, journal.root, time.monotonic() - began)
    return by_models


def _kept(journal: Journal, name: str, make: Callable[[], Fields]) -> Fields:
    """The values of a stage; those of a finished one are read."""
    file = journal.file(f"stages/{_slug(name)}.json")
    if not journal.done(name):
        write_json(file, make())
        journal.finish(name)
    values: Fields = read_json(file)
    return values


def _write_tables(journal: Journal, body: Body) -> None:
    for number, table in enumerate(item for item in body if isinstance(item, Table)):
        name = f"{TABLES}/{number + 1:02}-{_slug(table.title)}.csv"
        write_text(journal.file(name), table.csv())


def _slug(title: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", title.lower())[:6])


def _points(arms: Mapping[str, Mapping[str, Any]]) -> list[Point]:
    """One point an arm: word edits, balance, and the ends of its intervals on any seed."""
    points = []
    for name, arm in arms.items():
        if name in (ORACLE, DROP):  # at 1, and at a whole sentence of edits: far from all others
            continue
        balance = arm["balance"]
        low, high = ([v for v in balance[end] if v is not None] for end in ("low", "high"))
        ends = (min(low), max(high)) if low and high else (None, None)
        points.append(Point(name, arm["edits"], balance["mean"], *ends))
    return points


def _opening(seeds: Sequence[Mapping[str, Any]], study: Study) -> str:
    return (
        f"{seeds[0]['pairs']} sentences of unseen FaithBench sources, each right and with one "
        f"injected error, on {len(seeds)} sets of errors; the small detector is trained on "
        f"{seeds[0]['train_pairs']} such pairs of other sources. No language model takes part: the "
        "critic takes words out and looks at the detector, the refiner puts the fix in their "
        "place. Whether an error is mended is read off the sentences, not asked of the detector. "
        f"Sentences are cut by {'NLTK Punkt' if splitter() == 'punkt' else 'a plain rule'}. "
        f"Seconds are in manifest.json, so that table.csv is the same for the same --seed "
        f"{study.seed}."
    )


def _of_models(found: RefinedByModels, study: Study) -> Body:
    n = next(iter(found.summaries.values()))["n"]
    text = (
        f"Critic {study.critic}, refiner {study.refiner}, detector {study.detector}, {n} responses "
        f"of {study.responses.name if study.responses else 'FaithBench'}, at most "
        f"{study.new_tokens} tokens an answer; rows in {FOLDER}/. "
    )
    if n < 20:
        text += (
            "This only runs the path. A model of 135M parameters does not write usable critiques, "
            "and so few responses compare nothing."
        )
    return [text]
