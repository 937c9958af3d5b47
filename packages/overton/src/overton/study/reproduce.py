"""The study: from inputs to the report."""

import time
from pathlib import Path

from tenpapers.journal import Journal, files_of, key_of
from tenpapers.paper import Verdict, judged, load_paper
from tenpapers.report import REPORT_FILES, manifest, print_report, write_report
from tenpapers.settings import as_config

from ..inputs.examples import bundled_examples, read_examples
from ..scoring.lengths import mean_words
from .settings import Study
from .tables import lengths_table


def reproduce(
    out: Path, study: Study, *, scale: str, overwrite: bool = False, wait: bool = False
) -> None:
    """Run the study and write its report; a killed run goes on.

    Raises
    ------
    UserError : `out` holds a study of other settings or inputs; an input that does not fit.
    """
    with Journal(
        out,
        key=key_of("overton reproduce", study),
        inputs=files_of(study),
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        journal.claim(*REPORT_FILES)
        _run_study(out, study, scale)


def _run_study(out: Path, study: Study, scale: str) -> None:
    began = time.monotonic()
    examples = read_examples(study.data, limit=study.limit)
    mean = mean_words([example.text for example in examples])
    paper = load_paper("overton")
    unknown: tuple[Verdict, str] = ("not testable here", "no stage of the paper is built yet")
    verdicts = {claim.id: unknown for claim in paper.claims}
    results = {
        "texts": len(examples),
        "mean_words": mean,
        "claims": judged(paper, verdicts),
    }
    body = [lengths_table(mean, len(examples))]
    inputs = [study.data or bundled_examples()]
    details = manifest(as_config(study), seed=study.seed, began=began, data=inputs)
    write_report(out, f"overton, {scale} scale", body, results=results, manifest=details)
    print_report(body, out, time.monotonic() - began)
