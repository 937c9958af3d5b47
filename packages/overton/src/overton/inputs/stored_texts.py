"""Responses that lie in a temporary file, so that memory holds those of one question at a time."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from tempfile import SpooledTemporaryFile
from typing import overload

# Bytes of text up to which nothing is written to a disk.
_IN_MEMORY = 4 << 20
_FAILED = -1


class TextStore:
    """Texts in the order in which they came; 8 bytes of memory each."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - lives as we do
        self._ends = array("q", [0])

    def add(self, text: str | None) -> int:
        """Keep a text; gives its number. None is a response that failed."""
        if text is None:
            return _FAILED
        self._file.seek(self._ends[-1])
        # Model-written text may have half a surrogate pair in it.
        written = self._file.write(text.encode(errors="surrogatepass"))
        self._ends.append(self._ends[-1] + written)
        return len(self._ends) - 2

    def read(self, number: int) -> str | None:
        """The text of a number."""
        if number == _FAILED:
            return None
        begin, end = self._ends[number], self._ends[number + 1]
        self._file.seek(begin)
        return self._file.read(end - begin).decode(errors="surrogatepass")


class StoredTexts(Sequence[list[str | None]]):
    """Responses by question, read from the store when they are looked at.

    Parameters
    ----------
    numbers : of the texts of each question, as `TextStore.add` gave them.
    """

    def __init__(self, store: TextStore, numbers: Iterable[Sequence[int]]) -> None:
        self._store = store
        self._numbers, self._bounds = array("q"), array("q", [0])
        for some in numbers:
            self._numbers.extend(some)
            self._bounds.append(len(self._numbers))

    def __len__(self) -> int:
        return len(self._bounds) - 1

    @overload
    def __getitem__(self, place: int) -> list[str | None]: ...
    @overload
    def __getitem__(self, place: slice) -> list[list[str | None]]: ...
    def __getitem__(self, place: int | slice) -> list[str | None] | list[list[str | None]]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place %= len(self)
        some = self._numbers[self._bounds[place] : self._bounds[place + 1]]
        return [self._store.read(number) for number in some]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


class StoredQueries(Sequence[str | None]):
    """One text a question, read from the store when it is looked at.

    Parameters
    ----------
    numbers : of the texts, as `TextStore.add` gave them.
    """

    def __init__(self, store: TextStore, numbers: Iterable[int]) -> None:
        self._store, self._numbers = store, array("q", numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> str | None: ...
    @overload
    def __getitem__(self, place: slice) -> list[str | None]: ...
    def __getitem__(self, place: int | slice) -> str | list[str | None] | None:
        if isinstance(place, slice):
            return [self._store.read(number) for number in self._numbers[place]]
        return self._store.read(self._numbers[place])
