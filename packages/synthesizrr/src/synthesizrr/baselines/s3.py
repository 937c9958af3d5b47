"""S3: what the student gets wrong on a few gold rows is what the teacher writes more of."""

from typing import Any

from ..inversion.fewgen import fewgen_shots
from ..inversion.planning import Prompt
from ..inversion.prompts import render_prompt
from ..inversion.teacher import complete, open_generations
from ..records import Example, InputRow
from ..students.classifiers import fit, student_spec
from ..students.train import predictions
from .baseline_run import BaselineRun
from .student_vectors import texts_of


def s3(run: BaselineRun) -> dict[str, Any]:
    """Half of the rows zero-shot; then, in rounds, rows like the student's errors on the seeds."""
    settings = run.settings
    start = run.zero_shot(per_label=max(1, settings.per_label // 2))
    counts: dict[str, Any] = {"start": start}
    left = settings.per_label * len(run.task.labels) - start["asked"] - start["done_before"]
    for number in range(settings.rounds):
        wrong = _errors(run, number)
        share = left // settings.rounds
        if number == 0:  # the first round takes what does not divide
            share = left - share * (settings.rounds - 1)
        prompts = [
            prompt_like(run, error, f"s3-{number}-{index:05d}")
            for index, error in enumerate(_in_turn(wrong, share))
        ]
        label = f"s3, round {number + 1}"
        with open_generations(run.journal, run.name) as log:
            found = complete(prompts, run.task, run.teacher, settings, log, progress=label)
        counts[f"round {number + 1}"] = found | {"errors": len(wrong)}
    return counts


def _errors(run: BaselineRun, number: int) -> list[Example]:
    """Seeds that a student of all rows so far gets wrong."""
    rows = texts_of(run.out, run.task)
    student = fit(
        [row.text for row in rows],
        [row.label for row in rows],
        student_spec(run.settings.student),
        seed=run.settings.seed,
        names=list(run.task.labels),
        progress=f"student {number + 1}",
    )
    guessed = predictions(student, [seed.text for seed in run.seeds])
    return [seed for seed, label in zip(run.seeds, guessed, strict=True) if seed.label != label]


def _in_turn(errors: list[Example], n: int) -> list[Example]:
    """Every error as often as the next, n in all; none without an error."""
    return [errors[index % len(errors)] for index in range(n)] if errors else []


def prompt_like(run: BaselineRun, error: Example, name: str) -> Prompt:
    """A prompt whose only demonstration is the text that the student got wrong."""
    shot = fewgen_shots([error], run.task, run.tokenizer)
    content = render_prompt(run.task, "fewgen", error.label, None, shot, run.settings.style)
    row = InputRow(id=name, label=error.label, seed_id=error.id)
    return Prompt(row, tuple(shot), content, 0)
