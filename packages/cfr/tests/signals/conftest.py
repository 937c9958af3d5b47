import pytest
from cfr.records import Answer, Candidates, Claim, Passage, Question
from tenpapers.generation import open_generator
from tenpapers.testing import write_rows


def passage(pid, text, url=""):
    return Passage(pid=pid, text=text, url=url)


def candidates(qid="1:0", passages=(), answers=()):
    return Candidates(
        qid=qid,
        claim="The bridge fell.",
        question="When was the bridge built?",
        passages=passages,
        answers=answers,
    )


def claim(*answers, claim_id=1):
    question = Question(question="When was the bridge built?", answers=answers)
    return Claim(claim_id=claim_id, claim="The bridge fell.", questions=[question])


def answer(text, url="https://a.org/page", kind="Extractive", **more):
    return Answer(answer=text, answer_type=kind, source_url=url, **more)


@pytest.fixture
def replayed(tmp_path):
    """Make a model that says what is recorded; a list says one after the other."""
    made = []

    def make(**said):
        rows = [
            {"id": name.replace("__", ":").replace("_at_", "|"), "text": text}
            for name, text in said.items()
        ]
        file = write_rows(tmp_path / f"said{len(made)}.jsonl", rows)
        made.append(open_generator(f"replay:{file}"))
        return made[-1]

    yield make
    for model in made:
        model.close()
