import pytest
from tenpapers.testing import write_rows


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """Facts of our own: a source that needs no published file."""
    rows = [
        {
            "id": f"f{i}",
            "entity": f"Harbour {i:03d}",
            "relation": "colour of the gate",
            "value": f"shade {i:03d}",
        }
        for i in range(60)
    ]
    return write_rows(tmp_path_factory.mktemp("facts") / "facts.jsonl", rows)


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    """Published form of Lost in the Middle, with distractors; one of them leaks an answer."""
    rows = []
    for i in range(30):
        gold = f"The lamp of hall {i} was lit by Person{i:02d} in spring. " + "Rain fell. " * 8
        leak = f"Some say Person{i:02d} was never there."
        rows.append(
            {
                "id": f"q{i}",
                "question": f"who lit the lamp of hall {i}",
                "answers": [f"Person{i:02d}"],
                "ctxs": [
                    {"title": f"Hall {i}", "text": gold, "isgold": True, "hasanswer": True},
                    {"title": "Leak", "text": leak, "isgold": False, "hasanswer": True},
                    {
                        "title": f"Other {i}",
                        "text": f"Barrel {i} was full. " + "It stood. " * 9,
                        "isgold": False,
                        "hasanswer": False,
                    },
                ],
            }
        )
    return write_rows(tmp_path_factory.mktemp("nq") / "nq.jsonl.gz", rows)
