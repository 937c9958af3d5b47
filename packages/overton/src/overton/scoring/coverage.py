"""How much of what a base model's samples say together stands in one aligned response."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from ..records import SampleSet
from .lexical import mean
from .tokens import Tokenizer, content, tokenize

AT_LEAST = (1, 2, 3)


@dataclass(frozen=True)
class CoverageResult:
    """Coverage of base samples by one aligned response a question; means over questions.

    Parameters
    ----------
    each : share of a base sample's words that the aligned response holds, mean over samples.
    words_in_ge : by t, the share of the words of at least t base samples that the aligned response
        holds, and the number of questions that have such words.
    union_sizes : number of words of the first 1, 2, .. base samples together.
    ref_types : number of words of the aligned response.
    """

    each: float | None
    words_in_ge: dict[int, tuple[float | None, int]]
    union_sizes: list[float]
    ref_types: float | None

    @property
    def sample_equivalents(self) -> float | None:
        """How many base samples have as many words together as one aligned response.

        Between two numbers of samples the union grows linearly; from 0, which has no words. None if
        all samples together have fewer.
        """
        if self.ref_types is None:
            return None
        before = 0.0
        for count, size in enumerate(self.union_sizes):
            if size >= self.ref_types:
                return count + (self.ref_types - before) / (size - before) if size > before else 0.0
            before = size
        return None

    def row(self) -> dict[str, Any]:
        """The result in numbers."""
        return {
            "each": self.each,
            **{f"words_in_ge{t}": list(found) for t, found in self.words_in_ge.items()},
            "union_sizes": self.union_sizes,
            "ref_types": self.ref_types,
            "sample_equivalents": self.sample_equivalents,
        }


def coverage(
    aligned_sets: Iterable[AbstractSet[str]], base_sets: Iterable[Sequence[AbstractSet[str]]]
) -> CoverageResult:
    """Lexical coverage of base samples by aligned responses.

    Parameters
    ----------
    aligned_sets : content words of one aligned response a question, [N].
    base_sets : of its base samples, [N][k]; questions may have different numbers of them, the union
        grows as far as all have some.
    """
    return _laid_over(zip(aligned_sets, base_sets, strict=True))


def _laid_over(
    questions: Iterable[tuple[AbstractSet[str], Sequence[AbstractSet[str]]]],
) -> CoverageResult:
    each: list[float] = []
    shares: dict[int, list[float]] = {t: [] for t in AT_LEAST}
    growth: list[list[int]] = []
    types: list[int] = []
    for aligned, samples in questions:
        types.append(len(aligned))
        each += [len(aligned & words) / len(words) for words in samples if words]
        held_by = Counter(word for words in samples for word in words)
        for t, found in shares.items():
            common = {word for word, count in held_by.items() if count >= t}
            if common:
                found.append(len(aligned & common) / len(common))
        together: set[str] = set()
        growth.append([len(together := together | words) for words in samples])
    depth = min(map(len, growth), default=0)
    return CoverageResult(
        each=mean(each),
        words_in_ge={t: (mean(found), len(found)) for t, found in shares.items()},
        union_sizes=[sum(sizes[m] for sizes in growth) / len(growth) for m in range(depth)],
        ref_types=mean(types),
    )


def covered(aligned: SampleSet, base: SampleSet, tokenizer: Tokenizer = "simple") -> CoverageResult:
    """Coverage of a base model's samples by sample 0 of an aligned model, by content words.

    Questions whose sample 0 failed are left out, and so are failed base samples.

    Raises
    ------
    UserError : the two do not answer the same questions.
    """
    base = base.aligned_with(aligned)

    def words(text: str) -> set[str]:
        return set(content(tokenize(text, tokenizer), tokenizer))

    def known() -> Iterator[tuple[set[str], list[set[str]]]]:
        for own, texts in zip(aligned.texts, base.texts, strict=True):
            samples = [words(text) for text in texts if text is not None]
            if own and own[0] is not None and samples:
                yield words(own[0]), samples

    return _laid_over(known())
