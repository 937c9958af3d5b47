"""The stages that ask a model, from files to files: teacher, baselines, judge."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tenpapers.embedding import EmbeddingShards
from tenpapers.errors import UserError
from tenpapers.generation import Generator, open_generator
from tenpapers.journal import Journal, key_of, known_by
from tenpapers.models import load_tokenizer
from tenpapers.records import write_json, write_jsonl

from ..baselines.baseline_run import BaselineRun, BaselineSettings
from ..baselines.regen import regen
from ..baselines.run import generate_baseline
from ..inputs.task import load_task
from ..inversion.planning import GenerateConfig
from ..inversion.teacher import generate, open_generations
from ..inversion.window import context_window
from ..records import Example, IclRow, InputRow, Synthetic, read_rows
from ..scoring.faithfulness import JudgeSettings, RagScores, judge_rows
from ..sourcing.retrievers import embedded_corpus
from ..students.identity import known_student


@dataclass(frozen=True)
class TeacherChoice:
    """The teacher of one command.

    Parameters
    ----------
    spec : model spec.
    tokenizer : counts tokens; None is the teacher's own.
    cache : reuse completions of earlier runs.
    """

    spec: str
    tokenizer: str | None = None
    cache: bool = True

    @property
    def tokenizer_spec(self) -> str:
        """Whose tokens are counted."""
        return self.tokenizer or self.spec


def generate_file(
    files: tuple[Path, Path],
    task_name: str,
    teacher: TeacherChoice,
    config: GenerateConfig,
    out: Path,
    *,
    limit: int | None = None,
    overwrite: bool = False,
    wait: bool = False,
) -> dict[str, Any]:
    """Append generations to `out`; gives counts.

    Parameters
    ----------
    files : inputs and demonstrations. The mode follows from whether the latter have documents.
    limit : only the first inputs.

    Raises
    ------
    UserError : `out` is of another teacher, other settings or inputs.
    """
    task = load_task(task_name)
    labels = list(task.labels)
    rows = read_rows(files[0], InputRow, labels=labels, limit=limit)
    pool = read_rows(files[1], IclRow, labels=labels)
    shown = any(row.context for row in pool)
    config = replace(config, mode="retricl" if shown else "non-retricl")
    with open_generator(teacher.spec, cache=teacher.cache) as engine:
        tokenizer = load_tokenizer(teacher.tokenizer_spec)
        key = key_of(
            "synthesizrr generate",
            config,
            **_known(task_name, teacher, engine),
            limit=limit,
        )
        inputs = [*files, task_file(task_name)]
        with (
            Journal.of_file(out, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal,
            open_generations(journal, out.name) as log,
        ):
            return generate(
                rows,
                pool,
                task,
                engine,
                config,
                log=log,
                tokenizer=tokenizer,
                window=context_window(teacher.spec),
            )


def _known(task: str, teacher: TeacherChoice, engine: Generator) -> dict[str, Any]:
    """What a journal's key says of the task and the teacher."""
    return {
        "task": task,
        "teacher": known_by(teacher.spec, engine.backend.identity),
        "tokenizer": teacher.tokenizer,
    }


def task_file(task: str) -> Path | None:
    """A task's file, where it is the user's own."""
    return Path(task) if Path(task).suffix in (".yaml", ".yml") else None


def baseline_file(
    seeds: Path,
    task_name: str,
    teacher: TeacherChoice,
    settings: BaselineSettings,
    out: Path,
    *,
    overwrite: bool = False,
    wait: bool = False,
) -> dict[str, Any]:
    """Append a baseline's generations to `out`, or write ReGen's texts; gives counts."""
    task = load_task(task_name)
    rows = read_rows(seeds, Example, labels=list(task.labels))
    given: dict[str, Any] = {
        "inputs": [seeds, task_file(task_name), settings.attributes],
        "overwrite": overwrite,
        "wait": wait,
    }
    command = "synthesizrr fewgen"
    students = {}
    if settings.method in ("progen", "s3", "regen"):
        students = {"student": known_student(settings.student)}
    if settings.method == "regen":
        # Of embeddings `meta.json` says enough: corpus and encoder stand there by content.
        given["inputs"] += [settings.emb / "meta.json"] if settings.emb else []
        key = key_of(command, settings, task=task_name, **students)
        with Journal.of_file(out, key=key, **given) as journal:
            return _regen_file(task_name, settings, journal.file(out.name))
    with open_generator(teacher.spec, cache=teacher.cache) as engine:
        tokenizer = load_tokenizer(teacher.tokenizer_spec)
        key = key_of(command, settings, **_known(task_name, teacher, engine), **students)
        with Journal.of_file(out, key=key, **given) as journal:
            return generate_baseline(
                BaselineRun(
                    task,
                    rows,
                    engine,
                    settings,
                    journal,
                    out.name,
                    tokenizer=tokenizer,
                    window=context_window(teacher.spec),
                )
            )


def _regen_file(task_name: str, settings: BaselineSettings, out: Path) -> dict[str, Any]:
    if settings.emb is None:
        raise UserError("regen takes texts from a corpus", "pass --emb EMB")
    rows = regen(
        load_task(task_name),
        EmbeddingShards(settings.emb),
        embedded_corpus(settings.emb),
        top=settings.per_label,
        rounds=settings.rounds,
        student=settings.student,
        seed=settings.seed,
    )
    return {"texts": write_jsonl(out, rows)}


def judge_file(synthetic: Path, settings: JudgeSettings, journal: Journal) -> RagScores:
    """Let a model judge rows that have a document; writes `rag.json`."""
    journal.claim("rag.json")
    rows = read_rows(synthetic, Synthetic, limit=settings.limit)
    with open_generator(settings.judge, cache=settings.cache) as judge:
        found = judge_rows(rows, judge)
    write_json(journal.file("rag.json"), asdict(found) | {"judge": settings.judge})
    return found
