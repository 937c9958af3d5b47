"""The stages that ask a model, from files to files: teacher, baselines, judge."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tenpapers.embedding import EmbeddingShards
from tenpapers.errors import UserError
from tenpapers.generation import open_generator
from tenpapers.models import load_tokenizer
from tenpapers.records import write_json, write_jsonl

from ..baselines.baseline_run import BaselineRun, BaselineSettings
from ..baselines.regen import regen
from ..baselines.run import generate_baseline
from ..inputs.task import load_task
from ..inversion.teacher import GenerateConfig, generate
from ..records import Example, IclRow, InputRow, Synthetic, read_rows
from ..scoring.faithfulness import JudgeSettings, RagScores, judge_rows
from ..sourcing.retrievers import embedded_corpus
from .file_stages import fresh


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
) -> dict[str, Any]:
    """Append generations to `out`; gives counts.

    Parameters
    ----------
    files : inputs and demonstrations. The mode follows from whether the latter have documents.
    limit : only the first inputs.
    """
    task = load_task(task_name)
    labels = list(task.labels)
    rows = read_rows(files[0], InputRow, labels=labels, limit=limit)
    pool = read_rows(files[1], IclRow, labels=labels)
    shown = any(row.context for row in pool)
    config = replace(config, mode="retricl" if shown else "non-retricl")
    if overwrite:
        out.unlink(missing_ok=True)
    with open_generator(teacher.spec, cache=teacher.cache) as engine:
        tokenizer = load_tokenizer(teacher.tokenizer_spec)
        return generate(rows, pool, task, engine, config, out=out, tokenizer=tokenizer)


def baseline_file(
    seeds: Path,
    task_name: str,
    teacher: TeacherChoice,
    settings: BaselineSettings,
    out: Path,
    *,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Append a baseline's generations to `out`, or write ReGen's texts; gives counts."""
    task = load_task(task_name)
    rows = read_rows(seeds, Example, labels=list(task.labels))
    if settings.method == "regen":
        return _regen_file(task_name, settings, fresh(out, overwrite))
    if overwrite:
        out.unlink(missing_ok=True)
    with open_generator(teacher.spec, cache=teacher.cache) as engine:
        tokenizer = load_tokenizer(teacher.tokenizer_spec)
        return generate_baseline(
            BaselineRun(task, rows, engine, settings, out, tokenizer=tokenizer)
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


def judge_file(synthetic: Path, settings: JudgeSettings, out: Path) -> RagScores:
    """Let a model judge rows that have a document; writes `rag.json`."""
    rows = read_rows(synthetic, Synthetic, limit=settings.limit)
    with open_generator(settings.judge, cache=settings.cache) as judge:
        found = judge_rows(rows, judge)
    write_json(out / "rag.json", asdict(found) | {"judge": settings.judge})
    return found
