"""How much was changed: word edits between a response and what became of it."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple


class EditOps(NamedTuple):
    """Edits that turn one text into another, counted in words (or in runs of `n` words).

    Parameters
    ----------
    edits : fewest there are; adds, deletes and substitutions of one shortest way.
    len_a, len_b : of the two texts, in the same units.
    """

    edits: int
    adds: int
    deletes: int
    subs: int
    len_a: int
    len_b: int

    @property
    def share(self) -> float | None:
        """Edits over the length of the first text; None where that is empty."""
        return self.edits / self.len_a if self.len_a else None


def edit_ops(a: str, b: str, n: int = 1) -> EditOps:
    """Count the edits from `a` to `b`: the Levenshtein distance over words at white space.

    Of the shortest ways the one is counted that, walked back from the ends, deletes before it adds
    and adds before it keeps or substitutes: "a b" to "b a" is a deletion and an addition.

    Parameters
    ----------
    n : length of the runs of words that are compared; a text with fewer words has none.

    Raises
    ------
    ValueError : `n` below 1.
    """
    first, second = word_runs(a, n), word_runs(b, n)
    deletes, adds, subs = _walk_back(first, second)
    return EditOps(deletes + adds + subs, adds, deletes, subs, len(first), len(second))


def edit_distance(a: str, b: str, n: int = 1) -> int:
    """Fewest edits from `a` to `b`, as in `edit_ops`, where their kinds are not asked for."""
    from rapidfuzz.distance import Levenshtein

    first, second = word_runs(a, n), word_runs(b, n)
    number = {word: place for place, word in enumerate(dict.fromkeys([*first, *second]))}
    return Levenshtein.distance([number[word] for word in first], [number[word] for word in second])


def word_runs(text: str, n: int = 1) -> Sequence[Hashable]:
    """Words of a text, or all its runs of `n` words.

    Raises
    ------
    ValueError : `n` below 1.
    """
    if n < 1:
        raise ValueError(f"runs of {n} words: at least 1")
    words = text.split()
    return words if n == 1 else [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def _walk_back(a: Sequence[Hashable], b: Sequence[Hashable]) -> tuple[int, int, int]:
    """Deletions, additions and substitutions of the canonical shortest way.

    The table of distances is kept as the steps between its cells: for each column, bits that say
    where the next row's distance is one more (`down`) and where the next column's is (`right`);
    Myers (1999), Hyyrö (2003). A column costs a few operations on integers of len(a) bits.
    """
    down, right = _steps(a, b)
    deletes = adds = subs = 0
    row, column = len(a), len(b)
    while row or column:
        if row and down[column] >> (row - 1) & 1:
            deletes, row = deletes + 1, row - 1
        elif column and (not row or right[column] >> (row - 1) & 1):
            adds, column = adds + 1, column - 1
        else:
            row, column = row - 1, column - 1
            subs += a[row] != b[column]
    return deletes, adds, subs


def _steps(a: Sequence[Hashable], b: Sequence[Hashable]) -> tuple[list[int], list[int]]:
    """Bits of the table: where a step down, and where one from the left, adds one."""
    places: dict[Hashable, int] = {}
    for place, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << place
    everything = (1 << len(a)) - 1
    more, less = everything, 0  # down the current column: one more, one less
    down, right = [more], [0]
    for word in b:
        match = places.get(word, 0)
        diagonal = (((match & more) + more) ^ more) | match | less
        grows = less | ~(diagonal | more) & everything
        shrinks = diagonal & more & everything
        right.append(grows)
        grows, shrinks = grows << 1 | 1, shrinks << 1
        more = (shrinks | ~(diagonal | grows)) & everything
        less = grows & diagonal & everything
        down.append(more)
    return down, right
