"""What comes in, what flows between the stages, what goes out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Literal, TypeVar, overload

from tenpapers.errors import UserError

InstanceId = int | str
TextT = TypeVar("TextT", bound="Sequence[str | None] | str | None")
Stance = Literal["yes", "no", "both", "other"]
JudgeKind = Literal["stance", "quality", "missing", "topics"]
# How a verdict was read; what is not `ok` has no value.
Status = Literal["ok", "call_failed", "bad_json", "missing_key", "out_of_range"]

STANCES: tuple[Stance, ...] = ("yes", "no", "both", "other")
ASPECTS = ("helpfulness", "clarity", "factuality", "depth", "engagement")


def instance_id(value: object, line: int) -> InstanceId:
    """The id of a question as a file has it; 1, 1.0 and "1" are one question.

    Parameters
    ----------
    line : the id of a question without one.
    """
    if value is None:
        return line
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value)
    return int(text) if re.fullmatch(r"0|-?[1-9]\d{0,17}", text, re.ASCII) else text


@dataclass(frozen=True)
class Instance:
    """One prompt.

    Parameters
    ----------
    fields : what else stands in the user's row.
    has_id : whether the row says its id; else it is the number of its line.
    """

    id: InstanceId
    messages: tuple[Mapping[str, str], ...]
    fields: Mapping[str, Any] = field(default_factory=dict)
    has_id: bool = True

    @property
    def query(self) -> str:
        """The last thing that the user says."""
        return next(turn["content"] for turn in reversed(self.messages) if turn["role"] == "user")


class _Taken(Sequence[TextT]):
    """The texts of some questions, looked up when they are wanted."""

    def __init__(self, texts: Sequence[TextT], places: Sequence[int]) -> None:
        self._texts, self._places = texts, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> TextT: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[TextT]: ...
    def __getitem__(self, place: int | slice) -> TextT | Sequence[TextT]:
        if isinstance(place, slice):
            return _Taken(self._texts, self._places[place])
        return self._texts[self._places[place]]


@dataclass(frozen=True)
class SampleSet:
    """Samples of one model: some responses to each of N questions.

    Parameters
    ----------
    model : name, taken from the file's.
    ids : of the questions, [N], each once.
    texts : the responses as they are measured, cleaned, in the order in which they were sampled;
        None is a failed one, which stands in its place so that the number of a sample holds. Those
        of a file are read when a question's are looked at, and not held.
    endings : how each sample ended, see `Completion.finish_reason`.
    fences : by question, the number of responses that ended with a code fence, before it was taken
        off; empty where nobody looked.
    prompts : by question the number of its prompt (see `prompt_number`), 0 where it is not told;
        empty where nobody looked.
    queries : what each question asks, None where the file does not say it; empty where nobody
        looked.
    has_ids : whether every row says an id; else questions are known by their lines or prompts.
    """

    model: str
    ids: Sequence[InstanceId]
    texts: Sequence[Sequence[str | None]]
    endings: Sequence[Sequence[str]]
    fences: Sequence[int] = ()
    prompts: Sequence[int] = ()
    queries: Sequence[str | None] = ()
    has_ids: bool = False

    @property
    def firsts(self) -> dict[InstanceId, str | None]:
        """Sample 0 of each question; None where it failed or there is none."""
        pairs = zip(self.ids, self.texts, strict=True)
        return {name: texts[0] if texts else None for name, texts in pairs}

    def responses(self) -> Iterator[str]:
        """All responses that did not fail, question by question."""
        return (text for texts in self.texts for text in texts if text is not None)

    def count(self, *endings: str) -> int:
        """Number of samples that ended in one of these ways (see `Completion.finish_reason`)."""
        return sum(ending in endings for some in self.endings for ending in some)

    @property
    def failed(self) -> int:
        """Number of samples that brought no response."""
        return sum(text is None for texts in self.texts for text in texts)

    @property
    def fenced(self) -> int:
        """Number of responses that ended with a code fence, before it was taken off."""
        return sum(self.fences)

    @property
    def unfinished(self) -> int:
        """Number of responses that were cut off by the limit of tokens.

        Servers say so. Of a base model that closes its answers with a fence, half of them at least,
        nobody does: what has no fence at its end is unfinished.
        """
        answered = sum(map(len, self.endings)) - self.failed
        told = self.count("length")
        return max(told, answered - self.fenced) if 2 * self.fenced >= answered > 0 else told

    def usable(self, at_least: int = 1) -> Iterator[list[str]]:
        """Responses of each question that has at least so many."""
        for texts in self.texts:
            kept = [text for text in texts if text is not None]
            if len(kept) >= at_least:
                yield kept

    def spread(self, wanted: int) -> list[int]:
        """Places of so many questions, evenly spread; of all where 0 or more are wanted."""
        return spread(len(self.ids), wanted)

    def take(self, places: Sequence[int]) -> "SampleSet":
        """The samples of some questions, by their places."""
        return replace(
            self,
            ids=[self.ids[place] for place in places],
            texts=_Taken(self.texts, places),
            endings=[self.endings[place] for place in places],
            fences=[self.fences[place] for place in places] if self.fences else (),
            prompts=[self.prompts[place] for place in places] if self.prompts else (),
            queries=_Taken(self.queries, places) if self.queries else (),
        )

    def aligned_with(self, other: "SampleSet") -> "SampleSet":
        """The same samples in the order of another model's questions, and under its ids.

        Two questions are the same if their prompts are, where both files tell them all; else if
        their ids are, as numbers or as text.

        Raises
        ------
        UserError : the two do not answer the same questions.
        """
        places = _places(self.prompts, other.prompts)
        if places is None or not self.prompts or not all(self.prompts):
            names, wanted = [[str(name) for name in one.ids] for one in (self, other)]
            places = _places(names, wanted)
            if places is None or self._asks_elsewhere(places, other):
                raise self._no_match(other, names, wanted)
        if list(self.ids) == list(other.ids) and places == list(range(len(places))):
            return self
        return replace(self.take(places), ids=list(other.ids))

    def _asks_elsewhere(self, places: Sequence[int], other: "SampleSet") -> bool:
        """Whether a prompt of the other model's stands here under another id."""
        if not self.prompts or not other.prompts:
            return False
        pairs = zip((self.prompts[place] for place in places), other.prompts, strict=True)
        known = set(self.prompts) - {0}
        return any(own and own != asked and asked in known for own, asked in pairs)

    def _no_match(
        self, other: "SampleSet", names: Sequence[str], wanted: Sequence[str]
    ) -> UserError:
        both = set(names) & set(wanted)
        strange = next((name for name in names if name not in both), None)
        told = f", {strange!r} is not" if strange is not None else ", their prompts are not"
        return UserError(
            f"{self.model}: answers {len(names)} questions, {other.model} {len(wanted)}; "
            f"{len(both)} are the same{told}",
            "questions are matched by prompt where every row has one, else by id: give files of "
            "the same questions",
        )


def spread(count: int, wanted: int) -> list[int]:
    """So many of `count` places, evenly spread; all of them where 0 or more are wanted."""
    if not 0 < wanted < count:
        return list(range(count))
    return [round(place * (count - 1) / max(1, wanted - 1)) for place in range(wanted)]


def prompt_number(prompt: str | None) -> int:
    """The number of a prompt, of 64 bits, whatever its blanks; 0 of none."""
    if prompt is None:
        return 0
    words = " ".join(prompt.split()).encode(errors="backslashreplace")
    return int.from_bytes(blake2b(words, digest_size=8).digest())


def _places(names: Sequence[object], wanted: Sequence[object]) -> list[int] | None:
    """Where each wanted name stands; None unless the two are the same names, each once."""
    places = {name: place for place, name in enumerate(names)}
    if not len(names) == len(places) == len(wanted) or places.keys() != set(wanted):
        return None
    return [places[name] for name in wanted]


@dataclass(frozen=True)
class Judgement:
    """A judge's verdict on one response, or on a pair.

    Parameters
    ----------
    sample_index : of the response; of a pair, of the alternative.
    ref_sample_index : of a pair, of the reference; else None.
    value : a stance; a score; scores by aspect (None is `N/A`); a list of topics. None where
        `status` is not `ok`, or the judge said `N/A`.
    raw : the judge's words, "" where only the verdict was kept.
    """

    kind: JudgeKind
    model: str
    instance_id: InstanceId
    sample_index: int
    ref_sample_index: int | None
    raw: str
    value: Any
    status: Status

    def row(self) -> dict[str, Any]:
        """The judgement as a row of `judgements.jsonl`."""
        indices = (
            {"sample_index": self.sample_index}
            if self.ref_sample_index is None
            else {
                "ref_sample_index": self.ref_sample_index,
                "alt_sample_index": self.sample_index,
            }
        )
        return {
            "metadata": {"instance_id": self.instance_id, **indices},
            "kind": self.kind,
            "model": self.model,
            "raw": self.raw,
            "value": self.value,
            "status": self.status,
        }
