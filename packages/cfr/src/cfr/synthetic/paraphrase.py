"""Windows in a model's words, where what must hold of them still holds."""

from dataclasses import dataclass
from pathlib import Path

from tenpapers.generation import Generator, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.templates import fill

from ..reading.fences import quoted
from ..records import Passage
from .draw import About, Drawn, SynthItem
from .windows import topic_violation, violation


@dataclass(frozen=True)
class Paraphrased:
    """Items with rewritten windows.

    Parameters
    ----------
    rewritten : windows that a model's words replaced.
    unfit : windows that stayed because the model's words broke a rule, by what they broke.
    failed : requests that got no answer; those windows stayed too.
    """

    items: list[SynthItem]
    rewritten: int
    unfit: int
    failed: int


def paraphrase(
    drawn: Drawn,
    model: Generator,
    *,
    folder: Path | None = None,
    seed: int = 0,
    progress: str | None = None,
) -> Paraphrased:
    """Let a model rewrite every window; one that breaks a rule of its kind stays as it was.

    Parameters
    ----------
    folder : the user's templates.
    progress : what a progress bar says, None for none.
    """
    windows = {passage.pid: passage for item in drawn.items for passage in item.passages}
    sampling = Sampling(temperature=0.7, max_tokens=320, seed=seed)
    requests = [
        Request(
            id=pid,
            messages=(Message(role="user", content=_asked(passage, drawn.about[pid], folder)),),
            sampling=sampling,
        )
        for pid, passage in windows.items()
    ]
    unfit = failed = rewritten = 0
    for completion in model.stream(requests, progress=progress):
        text = " ".join(completion.text.strip("`\n ").split())
        if completion.failed:
            failed += 1
        elif _wrong(text, drawn.about[completion.id]):
            unfit += 1
        else:
            rewritten += 1
            change = {"text": text, "end": len(text.split())}
            windows[completion.id] = windows[completion.id].model_copy(update=change)
    items = [
        item.model_copy(update={"passages": [windows[passage.pid] for passage in item.passages]})
        for item in drawn.items
    ]
    return Paraphrased(items, rewritten, unfit, failed)


def _asked(passage: Passage, about: About, folder: Path | None) -> str:
    keep, avoid = [about.entity], []
    if about.process is not None:
        keep.append(about.process.name)
        avoid = sorted({word for stated in about.domain.properties for word in stated.words})
    return fill(
        "cfr", "paraphrase", folder, text=passage.text, keep=keep, avoid=avoid, quoted=quoted
    )


def _wrong(text: str, about: About) -> str:
    if about.process is not None:
        return violation(text, about.entity, about.process, about.domain)
    assert about.stated is not None
    return topic_violation(text, about.entity, about.stated, about.domain)
