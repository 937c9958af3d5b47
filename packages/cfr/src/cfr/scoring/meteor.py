"""METEOR as NLTK computes it, for many pairs of texts that share their words.

Every distinct text is cut into words once, every word stemmed once, every stem looked up once; what
is left for a pair is the alignment.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from tenpapers.errors import UserError

from .word_rules import word_tokenizer
from .wordnet import Synonyms, find_wordnet

Tokenizer = Literal["NLTKWordTokenizer", "word_tokenize"]
ALPHA, BETA, GAMMA = 0.9, 3.0, 0.5
# What Porter's stemmer cuts off or changes; every second word has no such ending. Longer endings
# that end with one of these, as "ational" with "al", are left out.
ENDINGS: tuple[str, ...] = (
    *("s", "ed", "ing", "y", "al", "enci", "anci", "er", "li", "ion", "ator", "ism", "iti"),
    *("logi", "ful", "ic", "ant", "ent", "ou", "e", "ll"),
)

Places = Mapping[str, Sequence[int]]


@dataclass(frozen=True, eq=False)
class Words:
    """A text: its words in lower case and their stems."""

    words: tuple[str, ...]
    stems: tuple[str, ...]

    @cached_property
    def word_places(self) -> Places:
        """Where each word stands, the last place first."""
        return _places(self.words)

    @cached_property
    def stem_places(self) -> Places:
        """Where each stem stands, the last place first."""
        return _places(self.stems)


class Meteor:
    """Scores pairs of texts: exact words, then stems, then synonyms.

    Parameters
    ----------
    synonyms : whatever has `synsets(word)`; None leaves the third pass out.
    fix_stems : look for synonyms of words. NLTK looks for synonyms of stems, and compares them
        with stems, so that "automobile" (stem "automobil") is no synonym of "car"; scores of the
        shared task are NLTK's.
    tokenizer : NLTK's words of the whole text, or of its sentences (`word_tokenize`, which needs
        NLTK's punkt data).
    """

    def __init__(
        self,
        synonyms: Synonyms | None = None,
        *,
        fix_stems: bool = False,
        tokenizer: Tokenizer = "NLTKWordTokenizer",
    ) -> None:
        self._synonyms = synonyms
        self._fix_stems = fix_stems
        self.tokenizer = tokenizer
        self._texts: dict[str, Words] = {}
        self._stems: dict[str, str] = {}
        self._names: dict[str, frozenset[str]] = {}

    @property
    def name(self) -> str:
        """`meteor`, or `meteor_nosyn` where there are no synonyms."""
        return "meteor_nosyn" if self._synonyms is None else "meteor"

    def score(self, reference: str, candidate: str) -> float:
        """Score of a candidate against a reference, 0 to 1; 0 where one has no words."""
        return self.score_words(self.words(reference), self.words(candidate))

    def matrix(self, candidates: Sequence[str], references: Sequence[str]) -> np.ndarray:
        """Scores of all pairs, float64, shape (candidates, references)."""
        scores = [[self.score(one, text) for one in references] for text in candidates]
        return np.array(scores, dtype=float).reshape(len(candidates), len(references))

    def words(self, text: str) -> Words:
        """A text as it is compared; remembered."""
        known = self._texts.get(text)
        if known is None:
            known = self._texts[text] = self.of_tokens(self._tokenize(text))
        return known

    def of_tokens(self, tokens: Sequence[str]) -> Words:
        """Tokens as they are compared."""
        words = tuple(token.lower() for token in tokens)
        return Words(words, tuple(map(self._stem, words)))

    def score_words(self, reference: Words, candidate: Words) -> float:
        """Score of two texts that were cut into words before."""
        pairs = self._align(reference, candidate)
        if not pairs:
            return 0.0
        precision, recall = len(pairs) / len(candidate.words), len(pairs) / len(reference.words)
        mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
        penalty = GAMMA * (_chunks(pairs) / len(pairs)) ** BETA
        return (1 - penalty) * mean

    def _align(self, reference: Words, candidate: Words) -> dict[int, int]:
        """Pair positions of the candidate with positions of the reference.

        Each pass goes from the last word to the first and takes the last free equal one.
        """
        pairs: dict[int, int] = {}
        taken: set[int] = set()
        backwards = range(len(candidate.words) - 1, -1, -1)
        for own, places in (
            (candidate.words, reference.word_places),
            (candidate.stems, reference.stem_places),
        ):
            for i in backwards:
                if own[i] in places and i not in pairs:
                    for j in places[own[i]]:
                        if j not in taken:
                            pairs[i] = j
                            taken.add(j)
                            break
        if self._synonyms is None or len(taken) == len(reference.words):
            return pairs
        own, places = (
            (candidate.words, reference.word_places)
            if self._fix_stems
            else (candidate.stems, reference.stem_places)
        )
        for i in backwards:
            if i in pairs:
                continue
            names = self._known_names(own[i])
            free = [j for name in names.intersection(places) for j in places[name]]
            last = max((j for j in free if j not in taken), default=-1)
            if last >= 0:
                pairs[i] = last
                taken.add(last)
        return pairs

    def _stem(self, word: str) -> str:
        known = self._stems.get(word)
        if known is None:
            known = self._stems[word] = self._stemmed(word)
        return known

    def _stemmed(self, word: str) -> str:
        return self._porter(word) if word.endswith(ENDINGS) else word

    def _known_names(self, word: str) -> frozenset[str]:
        """Synonyms of one word each."""
        known = self._names.get(word)
        if known is None:
            assert self._synonyms is not None
            known = self._names[word] = frozenset(
                name
                for synset in self._synonyms.synsets(word)
                for lemma in synset.lemmas()
                if "_" not in (name := lemma.name())
            )
        return known

    @cached_property
    def _porter(self) -> Callable[[str], str]:
        from nltk.stem.porter import PorterStemmer

        stem: Callable[[str], str] = PorterStemmer().stem
        return stem

    @cached_property
    def _tokenize(self) -> Callable[[str], list[str]]:
        return _sentence_words() if self.tokenizer == "word_tokenize" else word_tokenizer()


def open_meteor(
    wordnet: Path | None = None,
    *,
    fix_stems: bool = False,
    tokenizer: Tokenizer = "NLTKWordTokenizer",
) -> Meteor:
    """METEOR with the synonyms of the WordNet of this machine, without any where there is none.

    Parameters
    ----------
    wordnet : folder of the database, see `find_wordnet`.

    Raises
    ------
    UserError : `wordnet` has none in it; `word_tokenize` without NLTK's data.
    """
    return Meteor(find_wordnet(wordnet), fix_stems=fix_stems, tokenizer=tokenizer)


def _places(words: Sequence[str]) -> Places:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place in range(len(words) - 1, -1, -1):
        places[words[place]].append(place)
    return dict(places)


def _chunks(pairs: dict[int, int]) -> int:
    """Runs of pairs that stand side by side in both texts."""
    return sum(pairs.get(i - 1, -2) != j - 1 for i, j in pairs.items())


def _sentence_words() -> Callable[[str], list[str]]:
    from nltk.tokenize import word_tokenize

    try:
        word_tokenize("One. Two.")
    except LookupError:
        raise UserError(
            "--tokenizer word_tokenize: NLTK's punkt data are not here",
            "python -c \"import nltk; nltk.download('punkt_tab')\" brings them",
        ) from None
    words: Callable[[str], list[str]] = word_tokenize
    return words
