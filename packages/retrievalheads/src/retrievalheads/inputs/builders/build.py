"""A dataset from a source file: split, plan, write, put together, count what was dropped."""

import hashlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tenpapers.errors import UserError
from tenpapers.models import load_tokenizer
from tenpapers.records import write_json, write_jsonl
from tenpapers.report import file_digest

from ...records import SYNTHETIC, Example, Task
from ..fact_writers import BuildError, ModelWriter, Need, open_writer, shipped_passages
from ..prompt_rendering import ChatFrame
from ..published_files import ChainItem, InsightItem, Item, Passage, read_source, wh_word
from . import mdqa, musique, summhay
from .contexts import Frame
from .settings import BuildConfig

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    from transformers import PreTrainedTokenizerBase

SPLITS = ("train", "dev", "test")
ItemT = TypeVar("ItemT", contravariant=True)


class Builder(Protocol[ItemT]):
    """What the module of a task offers; each takes its own kind of item."""

    def real(self, frame: Frame, item: ItemT, index: int) -> Example:
        """An example of real documents."""
        ...

    def synthetic(self, frame: Frame, item: ItemT, index: int) -> Example:
        """An example of worded facts."""
        ...

    def symbolic(self, frame: Frame, item: ItemT, index: int) -> Example:
        """An example of keys and values."""
        ...

    def needs(self, frame: Frame, item: ItemT, index: int) -> list[Need]:
        """Texts that a synthetic example asks its writer for."""
        ...

    def passages(self, items: Sequence[ItemT]) -> list[Passage]:
        """What can fill other examples' contexts."""
        ...


_TASKS: dict[Task, Builder[Any]] = {"mdqa": mdqa, "musique": musique, "summhay": summhay}
WORDED = ("hh", "hl", "lh", "ll")  # variants with facts or insights in words
BUCKET = 500  # tokens of a bar in the length histogram


@dataclass(frozen=True)
class _Job:
    frame: Frame
    order: tuple[int, ...]


def build(
    config: BuildConfig,
    out: Path,
    *,
    progress: bool = False,
    place: Callable[[str], Path] | None = None,
) -> dict[str, Any]:
    """Build train, dev and test of one variant; writes the files and `manifest.json`.

    Parameters
    ----------
    out : folder of the files.
    place : gives the path of a file's name in `out`, such as `Journal.file`.

    Equal settings give equal bytes, whatever the number of workers; a smaller n gives the first
    examples of a larger one.

    Raises
    ------
    UserError : a source that cannot be read, or (without `allow_fewer`) fewer usable examples than
        wanted; says both numbers.
    """
    place = place or out.joinpath
    if not config.source and config.task != "mdqa":
        raise UserError(f"--task {config.task}: needs its published file", "--source FILE")
    source = Path(config.source) if config.source else shipped_passages()
    items = read_source(config.task, source)
    tokenizer = load_tokenizer(config.tokenizer)
    writer = open_writer(config.generator, folder=config.prompts, seed=config.seed)
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
            folder=config.prompts,
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
        file = place(f"{split}.jsonl")
        write_jsonl(file, examples)
        files[file.name] = file_digest(file)
        kept[split] = len(examples)
        lengths.update(e.n_tokens // BUCKET * BUCKET for e in examples)
    if isinstance(writer, ModelWriter):
        write_jsonl(place("generated.jsonl"), writer.rows)
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
    write_json(place("manifest.json"), details)
    return details


def use_chat(spec: str, tokenizer: "PreTrainedTokenizerBase") -> bool:
    """Whether to wrap prompts: there is a chat template, and the name says instruct."""
    return bool(getattr(tokenizer, "chat_template", None)) and named_for_chat(spec)


def named_for_chat(spec: str) -> bool:
    """Whether a model's name says that it was tuned to chat."""
    return spec == "smollm2" or any(word in spec.lower() for word in ("instruct", "chat"))


def _chosen(items: list[Item], config: BuildConfig) -> list[Item]:
    """The questions of a variant; passages of the others may still fill its contexts."""
    if config.task == "musique" and config.hops != "any":
        items = [item for item in items if item.id.startswith(config.hops)]
    if config.variant != "real-limited":
        return items
    if config.task == "musique":
        return [*musique.limited([item for item in items if isinstance(item, ChainItem)])]
    return [item for item in items if _is_limited(item, config)]


def _is_limited(item: Item, config: BuildConfig) -> bool:
    """Whether Real-Limited keeps a question of one kind, or an insight of one domain."""
    if isinstance(item, InsightItem):
        return summhay.domain(item) == config.domain
    return wh_word(item.question) == config.wh


def split_items(items: Sequence[Item], task: Task, seed: int) -> dict[str, list[Item]]:
    """Split by question (70, 10, 20 %), SummHay by topic (a fifth of the topics is test)."""
    parts: dict[str, list[Item]] = {split: [] for split in SPLITS}
    test_topics: set[str] = set()
    if task == "summhay":
        topics = sorted({item.topic for item in items if isinstance(item, InsightItem)})
        random.Random(f"{seed}:topics").shuffle(topics)
        test_topics = set(topics[: max(1, len(topics) // 5)])
    for item in items:
        share = int(hashlib.sha256(item.id.encode()).hexdigest()[:8], 16) / 16**8
        if isinstance(item, InsightItem):
            in_test = item.topic in test_topics
            split = "test" if in_test else "dev" if share < 0.125 else "train"
        else:
            split = "train" if share < 0.7 else "dev" if share < 0.8 else "test"
        parts[split].append(item)
    return parts


def _maker(frame: Frame) -> Callable[[Frame, Any, int], Example]:
    module = _TASKS[frame.task]
    if frame.variant == "symbolic":
        return module.symbolic
    return module.synthetic if frame.variant in SYNTHETIC else module.real


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
    rest: list[Need] = []
    for item_index, index in chosen:
        item = frame.items[item_index]
        if isinstance(item, InsightItem):
            rest += summhay.documents_needed(frame, item, index)
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
        self.pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Callable[[Sequence[int]], Iterator[Example | BuildError]]:
        if self.workers == 1 or isinstance(self.job.frame.writer, ModelWriter):
            return lambda indices: (_make(self.job, index) for index in indices)
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        pool = ProcessPoolExecutor(
            self.workers, get_context("spawn"), initializer=_start, initargs=(self.job,)
        )
        self.pool = pool
        return lambda indices: pool.map(_work, indices, chunksize=8)

    def __exit__(self, *error: object) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)
