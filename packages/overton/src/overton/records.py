"""What comes in, what flows between the stages, what goes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tenpapers.errors import UserError

InstanceId = int | str
Stance = Literal["yes", "no", "both", "other"]
JudgeKind = Literal["stance", "quality", "missing", "topics"]
# How a verdict was read; what is not `ok` has no value.
Status = Literal["ok", "call_failed", "bad_json", "missing_key", "out_of_range"]

STANCES: tuple[Stance, ...] = ("yes", "no", "both", "other")
ASPECTS = ("helpfulness", "clarity", "factuality", "depth", "engagement")


@dataclass(frozen=True)
class Instance:
    """One prompt.

    Parameters
    ----------
    fields : what else stands in the user's row.
    """

    id: InstanceId
    messages: tuple[Mapping[str, str], ...]
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def query(self) -> str:
        """The last thing that the user says."""
        return next(turn["content"] for turn in reversed(self.messages) if turn["role"] == "user")


@dataclass(frozen=True)
class SampleSet:
    """Samples of one model: some responses to each of N questions.

    Parameters
    ----------
    model : name, taken from the file's.
    ids : of the questions, [N], each once.
    texts : the responses as they are measured, cleaned, in the order in which they were sampled;
        None is a failed one, which stands in its place so that the number of a sample holds.
    endings : how each sample ended, see `Completion.finish_reason`.
    fenced : number of responses that ended with a code fence, before it was taken off.
    """

    model: str
    ids: Sequence[InstanceId]
    texts: Sequence[Sequence[str | None]]
    endings: Sequence[Sequence[str]]
    fenced: int = 0

    @property
    def firsts(self) -> dict[InstanceId, str | None]:
        """Sample 0 of each question; None where it failed or there is none."""
        pairs = zip(self.ids, self.texts, strict=True)
        return {name: texts[0] if texts else None for name, texts in pairs}

    @property
    def responses(self) -> list[str]:
        """All responses that did not fail, question by question."""
        return [text for texts in self.texts for text in texts if text is not None]

    def count(self, *endings: str) -> int:
        """Number of samples that ended in one of these ways (see `Completion.finish_reason`)."""
        return sum(ending in endings for some in self.endings for ending in some)

    @property
    def failed(self) -> int:
        """Number of samples that brought no response."""
        return sum(text is None for texts in self.texts for text in texts)

    def usable(self, at_least: int = 1) -> list[list[str]]:
        """Responses of each question that has at least so many."""
        kept = [[text for text in texts if text is not None] for texts in self.texts]
        return [texts for texts in kept if len(texts) >= at_least]

    def take(self, places: Sequence[int]) -> "SampleSet":
        """The samples of some questions, by their places."""
        return replace(
            self,
            ids=[self.ids[place] for place in places],
            texts=[self.texts[place] for place in places],
            endings=[self.endings[place] for place in places],
        )

    def aligned_with(self, other: "SampleSet") -> "SampleSet":
        """The same samples in the order of another model's questions.

        Raises
        ------
        UserError : the two do not answer the same questions.
        """
        if list(self.ids) == list(other.ids):
            return self
        places = {name: place for place, name in enumerate(self.ids)}
        if places.keys() != set(other.ids):
            raise UserError(
                f"{self.model}: answers {len(self.ids)} questions, {other.model} {len(other.ids)}; "
                f"{len(places.keys() & set(other.ids))} are the same",
                "files are matched by instance id: give files of the same questions",
            )
        return self.take([places[name] for name in other.ids])


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
