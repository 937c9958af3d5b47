import pytest
from dcr.controlled.base_sentences import split_of
from tenpapers.records import write_jsonl

PLACES = ("Oslo", "Lima", "Cairo", "Quito", "Delhi", "Paris", "Rome", "Bonn")
NAMES = ("Ann Smith", "Bob Jones", "Eve Miller", "Tom Baker")


def source(number):
    """A document with several names, places and numbers."""
    place, other = PLACES[number % 8], PLACES[(number + 3) % 8]
    name, second = NAMES[number % 4], NAMES[(number + 1) % 4]
    return (
        f"On Monday {name} moved from {place} to {other} with {number + 20} boxes. "
        f"Her friend {second} paid {number + 300} crowns for the train. "
        f"In {other} they met Max Weber, who had lived there for {number + 5} years."
    )


def rows_of(number):
    """One summary without a mark, and one with an unwanted and a benign span."""
    name = NAMES[number % 4]
    good = f"Yesterday {name} moved with {number + 20} boxes. They met Max Weber in the end."
    bad = f"Nobody moved at all with {number + 90} boxes. They met Max Weber in the end."
    wrong, fine = f"{number + 90} boxes", "Max Weber"

    def mark(span, label):
        return {
            "annotator": "a",
            "label": label,
            "note": "n",
            "span": span,
            "start": bad.index(span),
            "end": bad.index(span) + len(span),
        }

    plain = {"source": source(number), "summarizer": "m", "detectors": {}}
    return [
        plain | {"id": f"b{number}_0", "summary": good, "annotations": []},
        plain
        | {
            "id": f"b{number}_1",
            "summary": bad,
            "annotations": [
                mark(wrong, ["Unwanted", "Unwanted.Intrinsic"]),
                mark(fine, ["Benign"]),
            ],
        },
    ]


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A folder like that of the published data: 16 sources, of which at least two are for test."""
    folder = tmp_path_factory.mktemp("data")
    numbers = range(16)
    assert sum(split_of(source(number)) == "test" for number in numbers) >= 2
    rows = [row for number in numbers for row in rows_of(number)]
    write_jsonl(folder / "faithbench.jsonl.gz", rows)
    return folder
