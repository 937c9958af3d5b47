"""Which row of a model's samples answers which prompt of a file."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tenpapers.errors import UserError

from ..records import Instance, InstanceId, SampleSet, prompt_number
from .instances import load_instances

HOW = (
    "rows are matched by id where both files have ids, else by what is asked, else by line: give "
    "files of the same prompts"
)


class _Row(NamedTuple):
    """What a row is known by: its id, the numbers of its whole prompt and of its last query.

    A number is 0 where it is not told, see `prompt_number`.
    """

    id: str
    prompt: int
    query: int


def rows_of(instances: Sequence[Instance], samples: SampleSet) -> list[int | None]:
    """The place of every prompt's row among a model's samples; None of one that has none.

    Two rows belong together if their ids are the same, where both files say ids. Else what they
    ask decides. Where it is not told, or no two of the texts are the same, an id is the number of
    a line, as in the paper's files.
    """
    asked, answered = [_of_instance(one) for one in instances], _of_samples(samples)
    return _match(asked, answered, [all(one.has_id for one in instances), samples.has_ids])


def queries_for(
    names: Iterable[InstanceId], samples: SampleSet, instances: Path | None
) -> dict[InstanceId, str]:
    """What was asked, from a file of prompts if there is one, else from the samples themselves.

    Raises
    ------
    UserError : one of the names has no query, or none in the file; see `load_instances`.
    """
    wanted = list(names)
    if instances is None:
        told = dict(zip(samples.ids, samples.queries, strict=True)) if samples.queries else {}
        queries = {name: query for name in wanted if (query := told.get(name)) is not None}
        for name in wanted:
            if name not in queries:
                raise UserError(
                    f"{samples.model}: does not say what instance {name!r} was asked",
                    "--instances FILE has the prompts",
                )
        return queries
    known = load_instances(instances)
    rows = dict(zip(samples.ids, _of_samples(samples), strict=True))
    ids = [samples.has_ids, all(one.has_id for one in known)]
    places = _match([rows[name] for name in wanted], [_of_instance(one) for one in known], ids)
    return {
        name: known[require(place, f"{instances}: no prompt of it is instance {name!r}")].query
        for name, place in zip(wanted, places, strict=True)
    }


def require(place: int | None, otherwise: str) -> int:
    """The place of a row that has to be there.

    Raises
    ------
    UserError : there is none; `otherwise` says whose.
    """
    if place is None:
        raise UserError(otherwise, HOW)
    return place


def _of_instance(instance: Instance) -> _Row:
    said = [turn["content"] for turn in instance.messages if turn["role"] != "system"]
    return _Row(str(instance.id), prompt_number("\n".join(said)), prompt_number(instance.query))


def _of_samples(samples: SampleSet) -> list[_Row]:
    prompts = samples.prompts or [0] * len(samples.ids)
    queries: Iterable[int] = map(prompt_number, samples.queries) if samples.queries else prompts
    return [_Row(*row) for row in zip(map(str, samples.ids), prompts, queries, strict=True)]


def _match(wanted: Sequence[_Row], given: Sequence[_Row], ids: Sequence[bool]) -> list[int | None]:
    """The place of each wanted row among those given.

    Parameters
    ----------
    ids : of either file, whether all its rows say their ids.
    """
    by_id = {row.id: place for place, row in enumerate(given)}
    if all(ids) and any(row.id in by_id for row in wanted):
        elsewhere = {row.query for row in wanted}
        return [_same(row, by_id.get(row.id), given, elsewhere) for row in wanted]
    by_prompt = {row.prompt: place for place, row in reversed(list(enumerate(given)))}
    # Conversations may end alike.
    count = Counter(row.query for row in given)
    by_query = {row.query: place for place, row in enumerate(given) if count[row.query] == 1}

    def place_of(row: _Row) -> int | None:
        line = by_id.get(row.id)
        if line is not None and row == given[line]:
            return line
        for known, number in ((by_prompt, row.prompt), (by_query, row.query)):
            if number and number in known:
                return known[number]
        fits = line is not None and given[line].query in {0, row.query or given[line].query}
        return line if fits else None

    places = [place_of(row) for row in wanted]
    if any(ids) and not any(place is not None for place in places):
        return [by_id.get(row.id) for row in wanted]
    return places


def _same(row: _Row, place: int | None, given: Sequence[_Row], elsewhere: set[int]) -> int | None:
    """A place of the same id; None where another of the prompts is asked there."""
    if place is None or given[place].query in {0, row.query}:
        return place
    return None if row.query and given[place].query in elsewhere else place
