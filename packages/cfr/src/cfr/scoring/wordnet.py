"""WordNet's own database files, as Debian's `wordnet-base` and NLTK's corpus have them.

NLTK's reader wants two files more than that package has, and a folder of its own; synonyms need
neither.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

from tenpapers.errors import UserError

PARTS = ("noun", "verb", "adj", "adv")
# Endings of inflected forms and those of the words that they may come from, by part of speech.
ENDINGS: Mapping[str, Sequence[tuple[str, str]]] = {
    "noun": (
        ("s", ""),
        ("ses", "s"),
        ("ves", "f"),
        ("xes", "x"),
        ("zes", "z"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("men", "man"),
        ("ies", "y"),
    ),
    "verb": (
        ("s", ""),
        ("ies", "y"),
        ("es", "e"),
        ("es", ""),
        ("ed", "e"),
        ("ed", ""),
        ("ing", "e"),
        ("ing", ""),
    ),
    "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "adv": (),
}
# Where WordNet lies: Debian and Fedora, its own installer, Homebrew.
PLACES = (
    "/usr/share/wordnet",
    "/usr/share/wordnet-3.0/dict",
    "/usr/local/WordNet-3.0/dict",
    "/opt/homebrew/opt/wordnet/dict",
)
# How an adjective may be used, behind its name: `asleep(p)`.
_MARKER = re.compile(r"\(\w+\)$")


class LemmaLike(Protocol):
    """A word of a synset."""

    def name(self) -> str:
        """The word, with `_` between its parts."""
        ...


class SynsetLike(Protocol):
    """Words of one meaning."""

    def lemmas(self) -> Iterable[LemmaLike]:
        """The words."""
        ...


class Synonyms(Protocol):
    """Whatever knows the synsets of a word: ours, or NLTK's `wordnet`."""

    def synsets(self, word: str) -> Iterable[SynsetLike]:
        """All meanings of a word, of its base forms too."""
        ...


class Lemma(str):
    """A word of a synset, as `SynsetLike` has it."""

    __slots__ = ()

    def name(self) -> str:
        """The word itself."""
        return str(self)


class Synset(tuple[Lemma, ...]):
    """The words of one meaning."""

    __slots__ = ()

    def lemmas(self) -> tuple[Lemma, ...]:
        """The words."""
        return tuple(self)


class WordNet:
    """The synsets of words, read from a folder with `index.*`, `data.*` and `*.exc`.

    Parameters
    ----------
    folder : with the database files of WordNet 3.0 or of the same form.

    Raises
    ------
    UserError : a file of the database is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        missing = [name for name in _files() if not (folder / name).is_file()]
        if missing:
            raise UserError(f"{folder}: no WordNet: {missing[0]} is missing")
        self._data = {part: (folder / f"data.{part}").read_bytes() for part in PARTS}

    @cached_property
    def _index(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """Of each part of speech: where in its data file the synsets of a word stand, in bytes."""
        return {part: dict(_indexed(self.folder / f"index.{part}")) for part in PARTS}

    @cached_property
    def _exceptions(self) -> dict[str, dict[str, list[str]]]:
        """Of each part of speech: irregular forms and their base forms."""
        return {part: dict(_irregular(self.folder / f"{part}.exc")) for part in PARTS}

    def base_forms(self, word: str, part: str) -> list[str]:
        """The word and what it may be a form of, as far as WordNet knows them.

        Parameters
        ----------
        part : noun, verb, adj or adv.
        """
        irregular = self._exceptions[part].get(word)
        if irregular is None:
            irregular = [
                word.removesuffix(old) + new for old, new in ENDINGS[part] if word.endswith(old)
            ]
        known = self._index[part]
        return [form for form in dict.fromkeys([word, *irregular]) if form in known]

    def synsets(self, word: str) -> list[Synset]:
        """All meanings of a word, of all parts of speech."""
        word = word.lower()
        return [
            self._synset(part, offset)
            for part in PARTS
            for form in self.base_forms(word, part)
            for offset in self._index[part][form]
        ]

    def _synset(self, part: str, offset: int) -> Synset:
        data = self._data[part]
        # offset (8), lexicographer's file (2), kind (1), number of words (2, hexadecimal), then
        # word and number in turn; pointers and the meaning's gloss follow
        count = 2 * int(data[offset + 14 : offset + 16], 16)
        line = data[offset + 17 : data.index(b"\n", offset)]
        words = [word.decode() for word in line.split(b" ", count)[:count:2]]
        if part == "adj":
            words = [_MARKER.sub("", word) for word in words]
        return Synset(map(Lemma, words))


def find_wordnet(folder: Path | None = None) -> WordNet | None:
    """Open WordNet where it lies; None where there is none.

    Parameters
    ----------
    folder : of the database; None looks in $WNSEARCHDIR, $WNHOME/dict, the places of Debian,
        WordNet's installer and Homebrew, and among NLTK's corpora.

    Raises
    ------
    UserError : `folder` has no WordNet in it.
    """
    if folder is not None:
        return WordNet(folder)
    for place in _places():
        if all((place / name).is_file() for name in _files()):
            return WordNet(place)
    return None


def _places() -> Iterator[Path]:
    from nltk import data

    if own := os.environ.get("WNSEARCHDIR"):
        yield Path(own)
    if home := os.environ.get("WNHOME"):
        yield Path(home, "dict")
    yield from map(Path, PLACES)
    for base in data.path:
        yield Path(base, "corpora", "wordnet")


def _files() -> list[str]:
    return [name for part in PARTS for name in (f"index.{part}", f"data.{part}", f"{part}.exc")]


def _indexed(file: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith(" "):  # the licence
                # word, part, number of synsets, ..., their offsets
                fields = line.split()
                count = int(fields[2])
                yield fields[0], tuple(map(int, fields[-count:]))


def _irregular(file: Path) -> Iterator[tuple[str, list[str]]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            form, *bases = line.split()
            yield form, bases
