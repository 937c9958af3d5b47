"""The grid of needles: every (needle, length, depth) of a haystack as tokens (after Wu et al.)."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.records import Record, read_jsonl
from tenpapers.templates import fill

from ..inputs.fact_writers import invented_passage
from ..inputs.normalised_text import stands_in, whole_words
from ..inputs.prompt_rendering import PACKAGE, ChatFrame
from ..inputs.token_spans import encode_target, places_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

RESERVE = 200  # tokens of a length that are not haystack
ROUNDS = 3  # needles of the exact grid; rounds of the one with many needles
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*\s+")
_MARK = "\ue000"


class NeedleTrial(Record):
    """A sentence to hide, the question for it, and the part of the sentence that answers it."""

    needle: str
    question: str
    answer: str


def read_needles(path: Path) -> list[NeedleTrial]:
    """Read needles; each answer must be a part of its needle.

    Raises
    ------
    UserError : names the line of a needle that does not hold its answer.
    """
    trials = read_jsonl(path, NeedleTrial)
    for number, trial in enumerate(trials, 1):
        if not stands_in(trial.answer, trial.needle):
            raise UserError(f"{path}:{number}: the answer is no part of the needle")
    return trials


def insertion_points(text: str, depths: int) -> list[int]:
    """Characters at which needles go in, for depths from 0 to 100 %.

    The last sentence end before the wanted place, else the last blank, else the place itself; the
    ends of the text are points too.
    """
    points = []
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    for number in range(depths):
        wanted = round(len(text) * number / max(1, depths - 1))
        if number == 0 or wanted >= len(text):
            points.append(min(wanted, len(text)))
            continue
        before = [end for end in ends if end <= wanted]
        blank = text.rfind(" ", 0, wanted) + 1
        points.append(before[-1] if before else blank or wanted)
    return points


@dataclass(frozen=True)
class Cell:
    """One trial of the grid as tokens.

    Parameters
    ----------
    ids : the prompt.
    needle : places of the expected answer's tokens.
    answer : the expected answer.
    order : cells are visited in this order, so that each shares much with the one before.
    group : cells of one group are alike up to near the end, and are asked together.
    draft : the needle, which answers often repeat (see `PrefixReader.greedy`).
    """

    id: str
    ids: list[int]
    needle: list[int]
    answer: str
    order: int
    group: str
    draft: list[int]


class Haystack:
    """A text tokenised once; cells are cut and put together from its tokens."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", text: str) -> None:
        coded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        self.tokenizer = tokenizer
        self.text = text
        self.ids: list[int] = list(coded["input_ids"])
        self.offsets: list[tuple[int, int]] = list(coded["offset_mapping"])

    def points(self, length: int, depths: int) -> list[int]:
        """Token places for needles in the first `length` tokens."""
        end = self.offsets[length - 1][1]
        starts = [start for start, _ in self.offsets[:length]]
        found = []
        for point in insertion_points(self.text[:end], depths):
            # The first token that begins at or after the point (one that holds the blank before
            # a word begins there too).
            place = next((i for i, start in enumerate(starts) if start >= point - 1), length)
            found.append(length if point >= end else place)
        return found


@dataclass(frozen=True)
class _Coded:
    """A needle as tokens, with the places of its answer, and what follows the text."""

    ids: list[int]
    span: list[int]
    question: list[int]
    answer: str


def _code(
    tokenizer: "PreTrainedTokenizerBase",
    trial: NeedleTrial,
    folder: Path | None,
    chat: ChatFrame | None,
) -> tuple[list[int], _Coded]:
    """Tokens in front of the text, and the needle's.

    Raises
    ------
    UserError : the answer maps to no token.
    """
    coded = tokenizer(f" {trial.needle} ", add_special_tokens=False, return_offsets_mapping=True)
    begin = next(whole_words(trial.answer, trial.needle)).start() + 1  # after the blank in front
    span = places_of(coded["offset_mapping"], begin, begin + len(trial.answer))
    if not span:
        raise UserError(f"needle {trial.needle!r}: its answer maps to no token")
    asked = fill(PACKAGE, "niah", folder, haystack=_MARK, question=trial.question)
    head, _, tail = asked.partition(_MARK)
    tail += (chat.tail if chat else "\n") + fill(PACKAGE, "niah_cue", folder)
    head = (chat.head if chat else "") + head
    before = list(tokenizer("")["input_ids"]) if chat is None else []
    before += encode_target(tokenizer, head)
    return before, _Coded(
        list(coded["input_ids"]), span, encode_target(tokenizer, tail), trial.answer
    )


def grid_for(
    tokenizer: "PreTrainedTokenizerBase",
    text: str,
    trials: Sequence[NeedleTrial],
    lengths: Sequence[int],
    depths: int,
    *,
    multi: bool = False,
    folder: Path | None = None,
    chat: ChatFrame | None = None,
) -> list[Cell]:
    """Every (needle, length, depth) of a text as tokens.

    Parameters
    ----------
    trials : what is hidden; the exact grid takes the first three, as Wu et al.
    multi : all depths of a length have a needle at once, each asked for in its turn; the needles
        change places from round to round. Another experiment: the others are distractors.
    chat : frame of the model's chat template.

    Raises
    ------
    UserError : the haystack is too short for a length, a needle maps to no token, or (multi) there
        are fewer needles than depths.
    """
    haystack = Haystack(tokenizer, text)
    chosen = trials if multi else trials[:ROUNDS]
    coded = [_code(tokenizer, trial, folder, chat) for trial in chosen]
    before = coded[0][0]
    needles = [needle for _, needle in coded]
    if multi and len(needles) < depths:
        raise UserError(f"--multi-needle: {depths} depths need as many needles, not {len(needles)}")
    made: list[Cell] = []
    for length in lengths:
        if multi:
            for turn in range(ROUNDS):
                placed = [needles[(turn + depth) % len(needles)] for depth in range(depths)]
                # The text of the exact grid; the other needles come on top.
                room = _room(length, max(len(n.ids) for n in placed), haystack)
                name = f"length{length}-round{turn}"
                made += _together(before, placed, haystack, room, name=name, order=len(made))
            continue
        for number, needle in enumerate(needles):
            room = _room(length, len(needle.ids), haystack)
            for depth, at in enumerate(haystack.points(room, depths)):
                body = haystack.ids[:at] + needle.ids + haystack.ids[at:room]
                start = len(before) + at
                cell = Cell(
                    id=f"needle{number}-length{length}-depth{depth}",
                    ids=before + body + needle.question,
                    needle=[start + i for i in needle.span],
                    answer=needle.answer,
                    order=-at,
                    group=f"{length}-{depth}",
                    draft=needle.ids,
                )
                made.append(cell)
    return made


def _room(length: int, taken: int, haystack: Haystack) -> int:
    room = length - RESERVE - taken
    if room < 1 or room > len(haystack.ids):
        raise UserError(
            f"--lengths {length}: {room} tokens of haystack are wanted, it has {len(haystack.ids)}",
            f"lengths over {RESERVE} and a longer --haystack",
        )
    return room


def _together(
    before: list[int],
    placed: Sequence[_Coded],
    haystack: Haystack,
    room: int,
    *,
    name: str,
    order: int,
) -> list[Cell]:
    """One text with all needles, a cell for each."""
    body = list(before)
    starts = []
    last = 0
    for at, needle in zip(haystack.points(room, len(placed)), placed, strict=True):
        body += haystack.ids[last:at]
        starts.append(len(body))
        body += needle.ids
        last = at
    body += haystack.ids[last:room]
    return [
        Cell(
            id=f"{name}-depth{depth}",
            ids=body + needle.question,
            needle=[start + i for i in needle.span],
            answer=needle.answer,
            order=order,
            group=name,
            draft=needle.ids,
        )
        for depth, (start, needle) in enumerate(zip(starts, placed, strict=True))
    ]


def default_needles() -> list[NeedleTrial]:
    """Twelve needles of our own."""
    return read_needles(Path(str(files(PACKAGE).joinpath("data/needles.jsonl"))))


def default_haystack() -> str:
    """About 20,000 tokens of passages about invented things, by our templates."""
    draw = random.Random("haystack")
    passages = [invented_passage(draw, 1000 + number)[1] for number in range(200)]
    return " ".join(passages)
