"""A dataset from a source file: split, plan, write, put together, count what was dropped."""

import hashlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass as settings
from tenpapers.errors import UserError
from tenpapers.records import write_json, write_jsonl
from tenpapers.report import file_digest

from ...records import SYNTHETIC, TASKS, VARIANTS, Example
from ..fact_writers import BuildError, ModelWriter, open_writer, shipped_passages
from ..prompt_rendering import ChatFrame
from ..published_files import Item, read_source, wh_word
from . import mdqa, musique, summhay
from .contexts import Frame

SPLITS = ("train", "dev", "test")
_TASKS: dict[str, ModuleType] = {"mdqa": mdqa, "musique": musique, "summhay": summhay}
WORDED = ("hh", "hl", "lh", "ll")  # variants with facts or insights in words
BUCKET = 500  # tokens of a bar in the length histogram


@settings(frozen=True)
class BuildConfig:
    """Settings of a build.

    Parameters
    ----------
    task, variant : what is built.
    context_tokens, tokenizer : the length and whose tokens; a model spec or a folder.
    n, n_dev, n_test : examples; by default an eighth and a half of n for dev and test.
    seed : of every choice.
    source : the published file, or a file of facts; MDQA has one of ours.
    generator : template, cache (our passages), cache:FILE or a model spec.
    fictional : invented entity names; by default for low expression.
    wh, domain : what Real-Limited keeps of MDQA and SummHay.
    hops : MuSiQue questions whose ids begin so (linear three-hop ones); "any" takes all.
    chat : the tokenizer's chat template; by default for models named instruct or chat.
    prompts : folder of templates that replace ours.
    allow_fewer : take what there is.
    workers : processes.
    """

    task: str
    variant: str
    source: str = ""
    context_tokens: int = Field(default=512, ge=64)
    tokenizer: str = "smollm2"
    n: int = Field(default=400, ge=1)
    n_dev: int | None = None
    n_test: int | None = None
    seed: int = 0
    generator: str = "template"
    fictional: bool | None = None
    wh: str = "who"
    hops: str = "3hop1"
    domain: str = "conversation"
    chat: bool | None = None
    prompts: str | None = None
    allow_fewer: bool = False
    workers: int = Field(default=1, ge=1)

    def sizes(self) -> dict[str, int]:
        """Wanted examples of each split."""
        dev = max(1, self.n // 8) if self.n_dev is None else self.n_dev
        test = max(1, self.n // 2) if self.n_test is None else self.n_test
        return {"train": self.n, "dev": dev, "test": test}


@dataclass(frozen=True)
class _Job:
    frame: Frame
    order: tuple[int, ...]


def build(config: BuildConfig, out: Path, *, progress: bool = False) -> dict[str, Any]:
    """Build train, dev and test of one variant; writes the files and `manifest.json`.

    Equal settings give equal bytes, whatever the number of workers; a smaller n gives the first
    examples of a larger one.

    Raises
    ------
    UserError : unknown task or variant, a source that cannot be read, or (without `allow_fewer`)
        fewer usable examples than wanted; says both numbers.
    """
    if config.task not in TASKS or config.variant not in VARIANTS:
        raise UserError(
            f"--task {config.task} --variant {config.variant}: unknown",
            f"{', '.join(TASKS)}; {', '.join(VARIANTS)}",
        )
    if not config.source and config.task != "mdqa":
        raise UserError(f"--task {config.task}: needs its published file", "--source FILE")
    source = Path(config.source) if config.source else shipped_passages()
    items = read_source(config.task, source)
    tokenizer = load_tokenizer(config.tokenizer)
    folder = Path(config.prompts) if config.prompts else None
    writer = open_writer(config.generator, folder=folder, seed=config.seed)
    low = config.variant in ("lh", "ll")
    chat = use_chat(config.tokenizer, tokenizer) if config.chat is None else config.chat
    files, kept, dropped, lengths = {}, {}, {}, Counter[int]()
    for split, everything in split_items(items, config.task, config.seed).items():
        members = _chosen(everything, config)
        frame = Frame(
            task=config.task,
            variant=config.variant,
            split=split,
            seed=config.seed,
            tokenizer=tokenizer,
            context=config.context_tokens,
            items=members,
            pool=_TASKS[config.task].passages(everything),
            writer=writer,
            fictional=low if config.fictional is None else config.fictional,
            folder=folder,
            chat=ChatFrame.of(tokenizer) if chat else None,
        )
        wanted = config.sizes()[split]
        examples, reasons, first = _build_split(frame, wanted, config.workers, progress)
        dropped[split] = dict(reasons)
        if len(examples) < wanted and not config.allow_fewer:
            raise UserError(
                f"{source}: {split}: {len(examples)} usable examples, {wanted} wanted; dropped: "
                f"{dict(reasons) or 'none'}{f' (first: {first})' if first else ''}",
                "lower --n or pass --allow-fewer",
            )
        file = out / f"{split}.jsonl"
        write_jsonl(file, examples)
        files[file.name] = file_digest(file)
        kept[split] = len(examples)
        lengths.update(e.n_tokens // BUCKET * BUCKET for e in examples)
    if isinstance(writer, ModelWriter):
        write_jsonl(out / "generated.jsonl", writer.rows)
    details = {
        "task": config.task,
        "variant": config.variant,
        "seed": config.seed,
        "context_tokens": config.context_tokens,
        "tokenizer": config.tokenizer,
        "generator": config.generator,
        "chat": bool(chat),
        "source_sha256": file_digest(source),
        "counts": kept,
        "dropped": dropped,
        "generator_failures": getattr(writer, "failed", {}),
        "length_histogram": {str(k): v for k, v in sorted(lengths.items())},
        "sha256": files,
    }
    write_json(out / "manifest.json", details)
    return details


def load_tokenizer(spec: str) -> Any:
    """A tokenizer by model spec or folder.

    Raises
    ------
    UserError : there is none.
    """
    from tenpapers.models import parse_spec
    from tenpapers.models.loading import resolve_name
    from transformers import AutoTokenizer

    name = spec if Path(spec).is_dir() else resolve_name(parse_spec(spec).name)
    try:
        return AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise UserError(f"--tokenizer {spec}: {str(error).splitlines()[0]}") from None


def use_chat(spec: str, tokenizer: Any) -> bool:
    """Whether to wrap prompts: there is a chat template, and the name says instruct."""
    named = spec == "smollm2" or any(word in spec.lower() for word in ("instruct", "chat"))
    return bool(getattr(tokenizer, "chat_template", None)) and named


def _chosen(items: list[Any], config: BuildConfig) -> list[Any]:
    """The questions of a variant; passages of the others may still fill its contexts."""
    if config.task == "musique" and config.hops != "any":
        items = [item for item in items if item.id.startswith(config.hops)]
    if config.variant != "real-limited":
        return items
    if config.task == "mdqa":
        return [item for item in items if wh_word(item.question) == config.wh]
    if config.task == "musique":
        return musique.limited(items)
    return [item for item in items if summhay.domain(item) == config.domain]


def split_items(items: Sequence[Item], task: str, seed: int) -> dict[str, list[Any]]:
    """Split by question (70, 10, 20 %), SummHay by topic (a fifth of the topics is test)."""
    parts: dict[str, list[Any]] = {split: [] for split in SPLITS}
    test_topics: set[str] = set()
    if task == "summhay":
        topics = sorted({item.topic for item in items})  # type: ignore[union-attr]
        random.Random(f"{seed}:topics").shuffle(topics)
        test_topics = set(topics[: max(1, len(topics) // 5)])
    for item in items:
        place = int(hashlib.sha256(item.id.encode()).hexdigest()[:8], 16) / 16**8
        if task == "summhay":
            in_test = item.topic in test_topics  # type: ignore[union-attr]
            split = "test" if in_test else "dev" if place < 0.125 else "train"
        else:
            split = "train" if place < 0.7 else "dev" if place < 0.8 else "test"
        parts[split].append(item)
    return parts


def _maker(frame: Frame) -> Callable[[Frame, Any, int], Example]:
    module = _TASKS[frame.task]
    if frame.variant == "symbolic":
        return module.symbolic  # type: ignore[no-any-return]
    return module.synthetic if frame.variant in SYNTHETIC else module.real  # type: ignore[no-any-return]


def _build_split(
    frame: Frame, wanted: int, workers: int, progress: bool
) -> tuple[list[Example], Counter[str], str]:
    """Build until enough are there, in an order that n does not change; with the drops."""
    from tqdm import tqdm

    order = list(range(len(frame.items)))
    random.Random(f"{frame.seed}:{frame.task}:{frame.split}").shuffle(order)
    examples: list[Example] = []
    reasons: Counter[str] = Counter()
    first = ""
    bar = tqdm(total=wanted, desc=frame.split, unit="ex", disable=not progress)
    with bar, _Mapper(frame, tuple(order), workers) as run:
        start = 0
        while len(examples) < wanted and start < len(order):
            stop = min(len(order), start + max(wanted - len(examples), 1))
            _prepare(frame, [(order[i], i) for i in range(start, stop)])
            for made in run(range(start, stop)):
                if isinstance(made, BuildError):
                    reasons[_reason(made)] += 1
                    first = first or str(made)
                else:
                    examples.append(made)
                    bar.update()
            start = stop
    return examples, reasons, first


def _prepare(frame: Frame, chosen: Sequence[tuple[int, int]]) -> None:
    """Ask a model for every text of these examples, in two rounds for SummHay's documents."""
    if frame.variant not in WORDED or not isinstance(frame.writer, ModelWriter):
        return
    module = _TASKS[frame.task]
    frame.writer.prepare([n for i, k in chosen for n in module.needs(frame, frame.items[i], k)])
    if module is summhay:
        rest = [n for i, k in chosen for n in summhay.documents_needed(frame, frame.items[i], k)]  # type: ignore[arg-type]
        frame.writer.prepare(rest)


def _make(job: _Job, index: int) -> Example | BuildError:
    """One example, or why there is none."""
    try:
        return _maker(job.frame)(job.frame, job.frame.items[job.order[index]], index)
    except BuildError as error:
        return error


def _reason(error: BuildError) -> str:
    """What drops are counted by: the message without its numbers."""
    return re.sub(r"\d+", "N", str(error))


_JOB: _Job | None = None


def _start(job: _Job) -> None:
    global _JOB
    _JOB = job


def _work(index: int) -> Example | BuildError:
    assert _JOB is not None
    return _make(_JOB, index)


class _Mapper:
    """Runs `_make` here, or in processes that each hold the frame; results keep their order."""

    def __init__(self, frame: Frame, order: tuple[int, ...], workers: int) -> None:
        self.job = _Job(frame, order)
        self.workers = workers
        self.pool: Any = None

    def __enter__(self) -> Callable[[Sequence[int]], Iterator[Example | BuildError]]:
        if self.workers == 1 or isinstance(self.job.frame.writer, ModelWriter):
            return lambda indices: (_make(self.job, index) for index in indices)
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        self.pool = ProcessPoolExecutor(
            self.workers, get_context("spawn"), initializer=_start, initargs=(self.job,)
        )
        return lambda indices: self.pool.map(_work, indices, chunksize=8)

    def __exit__(self, *error: object) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)
