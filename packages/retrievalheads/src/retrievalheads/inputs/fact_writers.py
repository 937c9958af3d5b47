"""Who words a fact: our templates, a file of earlier texts, or a language model.

Generated text is data: it is checked, never executed, and never used as a template.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Literal, Protocol

from tenpapers.errors import UserError
from tenpapers.records import Record, read_jsonl
from tenpapers.templates import fill

from .normalised_text import whole_words
from .prompt_rendering import PACKAGE
from .published_files import Fact
from .wordings import (
    DETAILS,
    PERSONAS,
    RELATIONS,
    RETELLINGS,
    WORDINGS,
    as_noun,
    fictional_name,
    state,
)

ATTEMPTS = 3
WORDS = (40, 200)
# How the JSON of a reply begins.
OPENINGS = {"passage": '{"passage": "', "paraphrase": '["', "document": '{"text": "'}


class BuildError(ValueError):
    """An example that cannot be built; builds of several drop it and count the reason."""


class UnwrittenError(BuildError):
    """The writer has no valid text for a fact or an insight."""


@dataclass(frozen=True)
class Written:
    """A text and where the fact's value (or the insight's sentence) stands in it."""

    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Need:
    """One text that examples will ask for."""

    kind: Literal["passage", "paraphrase", "document"]
    fact: Fact | None = None
    topic: str = ""
    sentences: tuple[str, ...] = ()
    count: int = 1


class Writer(Protocol):
    """What every writer offers."""

    def passage(self, fact: Fact, draw: random.Random) -> Written:
        """A passage that states a fact once."""
        ...

    def paraphrases(self, insight: str, count: int, draw: random.Random) -> list[str]:
        """Sentences that say the same in different words."""
        ...

    def document(self, topic: str, sentences: Sequence[str], draw: random.Random) -> Written:
        """A document of a topic that contains the information of some sentences."""
        ...


class TemplateWriter:
    """Ten wordings a relation and a bank of details: a stand-in for an LLM that needs no model."""

    def passage(self, fact: Fact, draw: random.Random) -> Written:
        """One worded fact among four to seven details."""
        wording = draw.choice(WORDINGS[1:])
        sentence, at = state(wording, fact.entity, as_noun(fact.relation), fact.value)
        details = draw.sample(DETAILS, draw.randint(4, 7))
        place = draw.randint(0, len(details))
        before = " ".join(details[:place]) + (" " if place else "")
        text = " ".join([before + sentence, *details[place:]])
        start = len(before) + at
        return Written(text, ((start, start + len(fact.value)),))

    def paraphrases(self, insight: str, count: int, draw: random.Random) -> list[str]:
        """The insight in different frames; more than there are frames is an error."""
        if count > len(RETELLINGS):
            raise UnwrittenError(f"{count} paraphrases, the templates give {len(RETELLINGS)}")
        small = insight[:1].lower() + insight[1:]
        frames = draw.sample(RETELLINGS, count)
        return [f.replace("{Insight}", insight).replace("{insight}", small) for f in frames]

    def document(self, topic: str, sentences: Sequence[str], draw: random.Random) -> Written:
        """The sentences among details, in random places."""
        details = draw.sample(DETAILS, draw.randint(4, 7))
        pieces: list[tuple[str, int | None]] = [(detail, None) for detail in details]
        for number, sentence in enumerate(sentences):
            pieces.insert(draw.randint(0, len(pieces)), (sentence, number))
        text, spans = "", [(0, 0)] * len(sentences)
        for piece, which in pieces:
            text += " " if text else ""
            if which is not None:
                spans[which] = (len(text), len(text) + len(piece))
            text += piece
        return Written(text, tuple(spans))


def invented_passage(draw: random.Random, number: int, *, drawn: bool = False) -> tuple[Fact, str]:
    """A passage by our templates about a thing that no file has.

    `number` makes its value unlike all others; `drawn` puts a random number before it, so that
    contexts do not share values.
    """
    relation = draw.choice(RELATIONS["what"])
    name = fictional_name(draw)
    value = f"{draw.randint(1000, 9999)}-{number}" if drawn else str(number)
    fact = Fact(name, relation, f"number {value}")
    return fact, TemplateWriter().passage(fact, draw).text


class CachedText(Record):
    """A text written earlier: of a fact, of an insight, or of a topic with its sentences."""

    kind: Literal["passage", "paraphrase", "document"] = "passage"
    entity: str = ""
    relation: str = ""
    value: str = ""
    passage: str = ""
    insight: str = ""
    paraphrases: tuple[str, ...] = ()
    topic: str = ""
    wanted: tuple[str, ...] = ()
    text: str = ""
    sentences: tuple[str, ...] = ()


@dataclass
class CacheWriter:
    """Looks texts up; what is not there is an `UnwrittenError`."""

    passages: dict[Fact, Written] = field(default_factory=dict)
    retellings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    documents: dict[tuple[str, tuple[str, ...]], Written] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "CacheWriter":
        """Read a file of earlier texts and check each.

        Raises
        ------
        UserError : a text that does not hold its fact exactly once, with its line.
        """
        made = cls()
        for number, row in enumerate(read_jsonl(path, CachedText), 1):
            try:
                made.add(row)
            except ValueError as error:
                raise UserError(f"{path}:{number}: {error}") from None
        return made

    def add(self, row: CachedText) -> None:
        """Keep a text, if it is valid."""
        if row.kind == "passage":
            fact = Fact(row.entity, row.relation, row.value)
            self.passages[fact] = checked_passage(row.passage, fact)
        elif row.kind == "paraphrase":
            self.retellings[row.insight] = row.paraphrases
        else:
            key = (row.topic, row.wanted)
            self.documents[key] = checked_document(row.text, row.sentences, len(row.wanted))

    def passage(self, fact: Fact, draw: random.Random) -> Written:
        """The passage of this fact."""
        if fact not in self.passages:
            raise UnwrittenError("no text for a fact")
        return self.passages[fact]

    def paraphrases(self, insight: str, count: int, draw: random.Random) -> list[str]:
        """The first of the paraphrases."""
        found = self.retellings.get(insight, ())
        if len(found) < count:
            raise UnwrittenError("no paraphrases of an insight")
        return list(found[:count])

    def document(self, topic: str, sentences: Sequence[str], draw: random.Random) -> Written:
        """The document with these sentences."""
        key = (topic, tuple(sentences))
        if key not in self.documents:
            raise UnwrittenError("no document for an insight")
        return self.documents[key]


def checked_passage(text: str, fact: Fact) -> Written:
    """A passage with the place of its value.

    Raises
    ------
    ValueError : the value is missing or repeated, or the length is not 40 to 200 words.
    """
    found = [match.start() for match in whole_words(fact.value, text)]
    if len(found) != 1:
        raise ValueError(f"the value {fact.value!r} stands in the passage {len(found)} times")
    if not WORDS[0] <= len(text.split()) <= WORDS[1]:
        raise ValueError(f"a passage of {len(text.split())} words, {WORDS[0]} to {WORDS[1]} wanted")
    return Written(text, ((found[0], found[0] + len(fact.value)),))


def checked_document(text: str, sentences: Sequence[str], wanted: int) -> Written:
    """A document with the places of its sentences.

    Raises
    ------
    ValueError : a sentence is missing or repeated, or there are more or fewer than wanted.
    """
    if len(sentences) != wanted or any(text.count(sentence) != 1 for sentence in sentences):
        raise ValueError(f"{wanted} sentences must stand in the document, each once")
    starts = [text.index(sentence) for sentence in sentences]
    return Written(text, tuple((a, a + len(s)) for a, s in zip(starts, sentences, strict=True)))


class ModelWriter(CacheWriter):
    """Asks a language model for every text, up to three times, and keeps what is valid.

    Parameters
    ----------
    generate : from (id, prompt, beginning of the reply, seed) to replies.
    folder : templates that replace ours.
    """

    def __init__(
        self,
        generate: Callable[[Sequence[tuple[str, str, str, int]]], list[str]],
        folder: Path | None = None,
    ) -> None:
        super().__init__()
        self.generate = generate
        self.folder = folder
        self.rows: list[CachedText] = []
        self.failed: dict[str, int] = {}

    def prepare(self, needs: Sequence[Need]) -> None:
        """Write all texts; what is invalid is asked for again with another seed."""
        left = list(dict.fromkeys(needs))
        for attempt in range(ATTEMPTS):
            if not left:
                return
            asked = [
                (f"{i}", self._prompt(need), OPENINGS[need.kind], attempt)
                for i, need in enumerate(left)
            ]
            failed = []
            for need, reply in zip(left, self.generate(asked), strict=True):
                try:
                    row = _parsed(need, reply)
                    self.add(row)
                    self.rows.append(row)
                except ValueError as error:
                    failed.append(need)
                    reason = str(error).split(",")[0][:60]
                    self.failed[reason] = self.failed.get(reason, 0) + 1
            left = failed

    def _prompt(self, need: Need) -> str:
        if need.kind == "passage":
            assert need.fact is not None
            return fill(
                PACKAGE,
                "passage",
                self.folder,
                entity=need.fact.entity,
                value=need.fact.value,
                relation=as_noun(need.fact.relation),
                topic=need.topic or need.fact.entity,
            )
        if need.kind == "paraphrase":
            return fill(PACKAGE, "paraphrase", self.folder, insight=need.sentences[0], k=need.count)
        persona = random.Random(need.topic + need.sentences[0]).choice(PERSONAS)
        return fill(
            PACKAGE,
            "insight_document",
            self.folder,
            topic=need.topic,
            persona=persona,
            sentences=need.sentences,
        )


def _parsed(need: Need, reply: str) -> CachedText:
    """The JSON in a reply, as a row of the cache.

    Raises
    ------
    ValueError : no JSON, or JSON of another form.
    """
    opening = "[" if need.kind == "paraphrase" else "{"
    start = reply.find(opening)
    if start < 0:
        raise ValueError("no JSON in the reply")
    try:
        value, _ = json.JSONDecoder().raw_decode(reply[start:])
    except json.JSONDecodeError:
        raise ValueError("broken JSON in the reply") from None
    if need.kind == "paraphrase":
        if not (isinstance(value, list) and all(isinstance(v, str) and v for v in value)):
            raise ValueError("no list of sentences")
        if len(set(value)) < need.count or any(_shares_5gram(need.sentences[0], v) for v in value):
            raise ValueError("paraphrases too few or too close")
        return CachedText(
            kind="paraphrase", insight=need.sentences[0], paraphrases=tuple(value[: need.count])
        )
    text = value.get("passage" if need.kind == "passage" else "text")
    if not isinstance(text, str):
        raise ValueError("no text in the JSON")
    if need.kind == "passage":
        assert need.fact is not None
        fact = need.fact
        return CachedText(
            entity=fact.entity, relation=fact.relation, value=fact.value, passage=text
        )
    sentences = value.get("sentences")
    if not isinstance(sentences, list) or not all(isinstance(s, str) for s in sentences):
        raise ValueError("no sentences in the JSON")
    return CachedText(
        kind="document",
        topic=need.topic,
        wanted=need.sentences,
        text=text,
        sentences=tuple(sentences),
    )


def _shares_5gram(a: str, b: str) -> bool:
    one, two = a.lower().split(), b.lower().split()
    grams = {tuple(one[i : i + 5]) for i in range(len(one) - 4)}
    return any(tuple(two[i : i + 5]) in grams for i in range(len(two) - 4))


def shipped_passages() -> Path:
    """Sixty passages about invented things, written by a language model; facts and texts."""
    return Path(str(files(PACKAGE).joinpath("data/passages.jsonl")))


def open_writer(spec: str, *, folder: Path | None = None, seed: int = 0) -> Writer:
    """A writer by `--generator`: template, cache (ours), cache:FILE, or any model spec.

    Raises
    ------
    UserError : unknown, or a file that cannot be read.
    """
    if spec == "template":
        return TemplateWriter()
    if spec == "cache":
        return CacheWriter.read(shipped_passages())
    if spec.startswith("cache:"):
        return CacheWriter.read(Path(spec.removeprefix("cache:")))
    from tenpapers.generation import Request, Sampling, open_generator
    from tenpapers.generation.types import Message

    generator = open_generator(spec)
    # A service may not take the beginning of a reply; a model goes on from it.
    begun = not spec.startswith("openai:")

    def generate(asked: Sequence[tuple[str, str, str, int]]) -> list[str]:
        requests = []
        for name, prompt, opening, attempt in asked:
            turns = [Message(role="user", content=prompt)]
            if begun:
                turns.append(Message(role="assistant", content=opening))
            sampling = Sampling(temperature=0.7, max_tokens=400, seed=seed + 1000 * attempt)
            requests.append(Request(id=name, messages=tuple(turns), sampling=sampling))
        replies = generator.generate(requests, progress="texts")
        return [
            (opening if begun else "") + done.text
            for (_, _, opening, _), done in zip(asked, replies, strict=True)
        ]

    return ModelWriter(generate, folder)
