"""ROUGE-L: the longest common subsequence of two texts, by bit-parallel dynamic programming."""

from collections.abc import Hashable, Sequence


def lcs_length(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Length of the longest common subsequence, in O(|b| ceil(|a| / 64)) word operations.

    Column by column of the usual table, of which only the steps are kept, as bits of one integer
    (Crochemore et al. 2001; Hyyro 2004).
    """
    return Subsequences(a).common(b)


class Subsequences:
    """A text that several others are compared with."""

    def __init__(self, tokens: Sequence[Hashable]) -> None:
        self.length = len(tokens)
        self._places: dict[Hashable, int] = {}
        for place, token in enumerate(tokens):
            self._places[token] = self._places.get(token, 0) | 1 << place
        self._all = (1 << self.length) - 1

    def common(self, tokens: Sequence[Hashable]) -> int:
        """Length of the longest common subsequence with a text."""
        places, everything = self._places, self._all
        steps = everything
        for token in tokens:
            matches = places.get(token)
            if matches is not None:
                hits = steps & matches
                steps = ((steps + hits) | (steps - hits)) & everything
        return self.length - steps.bit_count()


def rouge_l(a: Sequence[str], b: Sequence[str]) -> tuple[float, float, float]:
    """ROUGE-L of a candidate `b` against a reference `a`: precision, recall, F (beta 1).

    Returns
    -------
    The very numbers of the `rouge-score` package on the same tokens; zeros for an empty text.
    """
    return rouge_l_of(Subsequences(a), b)


def rouge_l_of(reference: Subsequences, candidate: Sequence[str]) -> tuple[float, float, float]:
    """`rouge_l` with a reference that is used again."""
    if not reference.length or not candidate:
        return 0.0, 0.0, 0.0
    common = reference.common(candidate)
    precision, recall = common / len(candidate), common / reference.length
    if precision + recall == 0:
        return precision, recall, 0.0
    return precision, recall, 2 * precision * recall / (precision + recall)
