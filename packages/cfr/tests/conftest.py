import pytest
from cfr.equivalence.answer_judge import grade_messages, request_name
from cfr.equivalence.comparison import Comparison
from tenpapers.testing import data_fixture, write_rows

data = data_fixture("cfr")

# The beginning of WordNet's files: one meaning of car, one of dog and one of quick, two of large.
SYNSETS = {
    "noun": [(("car", "auto", "automobile", "motor_car"), "n"), (("dog", "Canis"), "n")],
    "verb": [(("run", "scat"), "v")],
    "adj": [(("large", "big"), "a"), (("large(p)", "prominent"), "s")],
    "adv": [(("quickly", "speedily"), "r")],
}
IRREGULAR = {"noun": "geese goose\n", "verb": "ran run\nbidden bid bide\n", "adj": "", "adv": ""}


@pytest.fixture(scope="session")
def wordnet_folder(tmp_path_factory):
    """A folder of WordNet's database files with six meanings."""
    folder = tmp_path_factory.mktemp("wordnet")
    for part, synsets in SYNSETS.items():
        data, places = "  1 This is the licence.\n", {}
        for words, kind in synsets:
            offset = len(data)
            fields = " ".join(f"{word} 0" for word in words)
            data += f"{offset:08d} 05 {kind} {len(words):02x} {fields} 000 | a meaning\n"
            for word in words:
                name = word.lower().removesuffix("(p)")
                places.setdefault(name, []).append(offset)
        index = "  1 This is the licence.\n"
        for word, offsets in sorted(places.items()):
            where = " ".join(f"{offset:08d}" for offset in offsets)
            index += f"{word} {part[0]} {len(offsets)} 1 @ {len(offsets)} 0 {where}\n"
        (folder / f"data.{part}").write_text(data)
        (folder / f"index.{part}").write_text(index)
        (folder / f"{part}.exc").write_text(IRREGULAR[part])
    return folder


@pytest.fixture
def recorded(tmp_path):
    """Make a model that answers as it is told: texts, or whole completions, by request."""

    def record(name="said", **said):
        rows = [
            {"id": asked.replace("__", "|"), **(one if isinstance(one, dict) else {"text": one})}
            for asked, one in said.items()
        ]
        return f"replay:{write_rows(tmp_path / f'{name}.jsonl', rows)}"

    return record


@pytest.fixture
def grading(tmp_path):
    """Make a judge that says what is recorded of (question, right answer, answer)."""

    def make(replies, name="grades"):
        rows = []
        for (question, reference, candidate), one in replies.items():
            messages = grade_messages(Comparison("", question, reference, candidate))
            said = one if isinstance(one, dict) else {"text": one}
            rows.append({"id": request_name(messages), **said})
        return f"replay:{write_rows(tmp_path / f'{name}.jsonl', rows)}"

    return make
