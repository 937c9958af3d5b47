"""Made-up news, for a machine that has no real rows: our own patterns, filled at random."""

import itertools
import random

PATTERNS = {
    "World": [
        "Officials from {place} and {other} met on {day} to discuss {world}.",
        "{name}, a minister of {place}, warned that {world} could reach {other}.",
        "Crowds in {place} protested on {day} over {world}, aid workers said.",
    ],
    "Sports": [
        "{name} scored twice as {place} beat {other} {number} to 1 in {sport}.",
        "{place} will play {other} in the {sport} final on {day}.",
        "Injured {name} misses the {sport} match against {other}, the coach said on {day}.",
    ],
    "Business": [
        "Shares of {firm} rose {number} percent on {day} after the firm reported {money}.",
        "{firm} will cut {number} hundred jobs in {place} because of {money}.",
        "{firm} of {place} agreed to buy a rival for {number} million dollars.",
    ],
    "Sci/Tech": [
        "{firm} showed {tech} on {day} that runs {number} times faster.",
        "Researchers in {place} say that {tech} may help to understand {science}.",
        "A flaw in {tech} by {firm} lets strangers read files, {name} found.",
    ],
}
FILLERS = {
    "place": ["Norland", "Estavia", "Port Hale", "Quill", "Sanmore", "Velden", "Irsk", "Tamar"],
    "other": ["Ostria", "Belmont", "the Keys", "Lower Ridge", "Marr", "Dunfall", "Aldova"],
    "name": ["Ada Quist", "Jon Perrin", "Mira Toll", "Sam Okere", "Lea Brandt", "Ivo Marsh"],
    "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Sunday"],
    "world": ["a border treaty", "the refugee camps", "a disputed election", "the flood relief"],
    "sport": ["football", "cricket", "tennis", "handball", "rugby", "hockey"],
    "firm": ["Orbel", "Nantech", "Graywater", "Tillson", "Kestrel Group", "Lumo"],
    "money": ["higher oil prices", "weak sales", "a record profit", "rising interest rates"],
    "tech": ["a new chip", "search software", "a robot arm", "a music player", "a satellite"],
    "science": ["black holes", "the deep sea", "old viruses", "the climate"],
    "number": ["2", "3", "4", "7", "9"],
}


def made_up_news(rows_per_label: int = 300, seed: int = 0) -> list[dict[str, str]]:
    """Rows with id, title, text and label; every text is two sentences of its label."""
    source = random.Random(seed)
    rows = []
    for label, number in itertools.product(sorted(PATTERNS), range(rows_per_label)):
        first, second = source.sample(PATTERNS[label], 2)
        title = _filled(source.choice(PATTERNS[label]), source).rstrip(".")
        text = f"{_filled(first, source)} {_filled(second, source)}"
        rows.append({"id": f"made-{label}-{number}", "title": title, "text": text, "label": label})
    return rows


def _filled(pattern: str, source: random.Random) -> str:
    return pattern.format(**{name: source.choice(words) for name, words in FILLERS.items()})
