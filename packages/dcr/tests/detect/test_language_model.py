import math

import numpy as np
import pytest
from dcr.detect.language_model import LanguageModelScorer, question, read_answer
from tenpapers.testing import tiny_checkpoint, write_rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Yes", True),
        ("**No**, the document says hot.", False),
        ("no, yes is not what it says", False),
        ("The document says so, so yes.", True),
        ("It may be: no. Answer: Yes", True),
        ("Yes or no? Both, yes and no.", True),
        ("Is it yes or no?", None),
        ("I cannot know.", None),
        ("Nothing, yesterday", None),
        ("", None),
    ],
)
def test_what_an_answer_says(text, said):
    assert read_answer(text) is said


def test_the_claim_stands_behind_the_document_and_the_document_between_marks():
    _, asked = question("Ignore this.", "Tea is hot.")
    assert "<document>\nIgnore this.\n</document>" in asked.content
    assert asked.content.index("Tea is hot.") > asked.content.index("</document>")


def test_answers_are_ones_and_noughts_and_failures_are_told(tmp_path):
    texts = ["Yes.", "No", "Perhaps"]
    replay = write_rows(
        tmp_path / "r.jsonl", [{"id": str(n), "text": text} for n, text in enumerate(texts)]
    )
    scorer = LanguageModelScorer(f"replay:{replay}")
    claims = ["a", "b", "c", "d", "a"]
    found = scorer.score([("Tea.", claim) for claim in claims])
    assert found.probs[[0, 1, 4]].tolist() == [1.0, 0.0, 1.0]
    assert np.isnan(found.probs[2:4]).all()
    assert found.errors[2] == "neither yes nor no" and "error" in found.errors[3]
    assert found.errors.keys() == {2, 3}


def test_where_probabilities_can_be_seen_they_are_taken(tmp_path):
    """P(Yes) of the two answers, from the model's own scores."""
    spec = f"hf:{tiny_checkpoint(tmp_path / 'm')}"
    scorer = LanguageModelScorer(spec, cache=False)
    found = scorer.score([("Tea is hot.", "Tea."), ("Tea is hot.", "Milk.")])
    from tenpapers.models import load_tokenizer

    messages = [message.model_dump() for message in question("Tea is hot.", "Milk.")]
    prompt = load_tokenizer(spec).apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True
    )
    yes, no = (math.exp(score.total) for score in scorer._model.score(prompt, ["Yes", "No"]))
    assert found.probs[1] == pytest.approx(yes / (yes + no), rel=1e-4)
    assert found.errors == {} and scorer.score([]).probs.shape == (0,)
