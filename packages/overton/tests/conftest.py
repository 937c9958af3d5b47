import pytest
from tenpapers.testing import data_fixture, write_rows

data = data_fixture("overton")


@pytest.fixture(scope="session")
def model():
    """SmolLM2, loaded once."""
    from tenpapers.generation import open_generator

    with open_generator("smollm2", cache=False) as engine:
        yield engine


QUESTIONS = ("Is tea healthy?", "Do cats sleep a lot?", "Should one tip in a bar?")


@pytest.fixture
def prompts(tmp_path):
    """Three questions, with the beginning of an answer to each."""
    rows = [{"prompt": question, "prefix": "Well, "} for question in QUESTIONS]
    return write_rows(tmp_path / "prompts.jsonl", rows)


def responses(file, *texts):
    """Samples of a model: for each question one list of texts; None is one that failed."""
    rows = []
    for number, (question, some) in enumerate(zip(QUESTIONS, texts, strict=False)):
        outputs = [
            {"error": "busy", "error_type": "x"} if text is None else {"generated_text": text}
            for text in some
        ]
        messages = [{"role": "user", "content": question}]
        rows.append({"metadata": {"instance_id": number}, "messages": messages, "outputs": outputs})
    return write_rows(file, rows)


# The profile of one question whose two samples say yes and no.
YES_AND_NO = {
    "n": 2,
    "yes": 1,
    "no": 1,
    "both": 0,
    "other": 0,
    "entropy_bits": 1.0,
    "distinct": 2.0,
    "yes_and_no": 1.0,
    "any_both": 0.0,
}
