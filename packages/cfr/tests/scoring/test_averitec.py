import gzip
import json
import random

import pytest
from cfr.records import Claim, Verdict
from cfr.scoring.averitec import assigned, averitec, reference_strings
from cfr.scoring.meteor import Meteor, open_meteor
from cfr.scoring.wordnet import find_wordnet
from tenpapers.errors import UserError

METEOR = Meteor()


def claim(name, *questions, label="Refuted"):
    rows = [
        {"question": question, "answers": [{"answer": text} for text in answers]}
        for question, answers in questions
    ]
    return Claim(claim_id=name, claim="c", label=label, questions=rows)


def verdict(name, *evidence, label="Refuted"):
    rows = [{"question": question, "answer": answer} for question, answer in evidence]
    return Verdict(claim_id=name, pred_label=label, evidence=rows)


def test_boolean_answers_are_compared_with_their_explanation():
    answers = [
        {"answer": "Yes.", "answer_type": "Boolean", "boolean_explanation": "It was"},
        {"answer": "No", "answer_type": "Abstractive", "boolean_explanation": "It was"},
        {"answer": "No", "answer_type": "Boolean"},
    ]
    given = Claim(
        claim_id=0,
        claim="c",
        questions=[{"question": "Was it?", "answers": answers}, {"question": "Who?"}],
    )
    assert reference_strings(given) == [
        "Was it? Yes.. It was",
        "Was it? No",
        "Was it? No",
        "Who? No answer could be found.",
    ]


def test_each_piece_of_evidence_answers_one_question():
    # "a b" goes with "a b" (0.9375) and leaves "a" to "a c": P = 1, R = 1/2, one chunk of one
    found = assigned(METEOR, ["a", "a b"], ["a b", "a c", "x"])
    half = 0.5 * 0.5 / (0.9 + 0.1 * 0.5)
    assert found == pytest.approx((0.9375 + half) / 3)
    assert assigned(METEOR, [], ["a"]) == 0


def test_only_ten_pieces_of_evidence_count():
    evidence = [("x", "x")] * 10 + [("a b", "c d")]
    found = averitec([verdict(0, *evidence)], [claim(0, ("a b", ["c d"]))], METEOR)
    assert found["hu_meteor_qa"] == 0
    assert averitec([verdict(0, *evidence[1:])], [claim(0, ("a b", ["c d"]))], METEOR)[
        "hu_meteor_qa"
    ] == pytest.approx(0.9921875)


def test_a_label_counts_where_the_evidence_exceeds_the_threshold():
    references = [
        claim(0, ("a b", ["c d"]), ("e f", ["g h"])),
        claim(1, ("a b", ["c d"])),
        claim(2, ("a", ["b"]), label="Supported"),
    ]
    verdicts = [verdict(1, ("a b", "c d")), verdict(0, ("a b", "c d"), label="refutes")]
    found = averitec(verdicts, references, METEOR)
    assert found == {
        "n": 3,
        "accuracy": pytest.approx(2 / 3),
        "f1": {
            "Supported": 0,
            "Refuted": 1,
            "Not Enough Evidence": 0,
            "Conflicting Evidence/Cherrypicking": 0,
        },
        "macro_f1": 0.25,
        "meteor": "meteor_nosyn",
        "tokenizer": "NLTKWordTokenizer",
        "hu_meteor_q": pytest.approx((0.9375 / 2 + 0.9375) / 3),
        "hu_meteor_qa": pytest.approx((0.9921875 / 2 + 0.9921875) / 3),
        # 0.496 of the first does not exceed 0.5
        "averitec": {
            "0.1": pytest.approx(2 / 3),
            "0.2": pytest.approx(2 / 3),
            "0.25": pytest.approx(2 / 3),
            "0.3": pytest.approx(2 / 3),
            "0.4": pytest.approx(2 / 3),
            "0.5": pytest.approx(1 / 3),
        },
    }


def test_a_score_that_only_reaches_the_threshold_does_not_count():
    # one shared word of one: 0.5 exactly
    found = averitec([verdict(0, ("car", ""))], [claim(0, ("car", [""]))], METEOR)
    assert found["hu_meteor_qa"] == 0.5 and found["averitec"]["0.5"] == 0


def test_a_claim_without_questions_has_no_evidence_to_find():
    with pytest.raises(UserError, match="claim 0: has no questions to compare the evidence with"):
        averitec([], [claim(0)], METEOR)


@pytest.fixture(scope="module")
def published(data):
    def rows(name, kind):
        with gzip.open(data / name, "rt", encoding="utf-8") as lines:
            return [kind.model_validate(json.loads(line)) for line in lines]

    return (
        rows("averitec_dev_predictions_8b_0_399.jsonl.gz", Verdict),
        rows("averitec_dev_0_399.jsonl.gz", Claim),
    )


F1 = {
    "Supported": 0.6525,
    "Refuted": 0.8089,
    "Not Enough Evidence": 0.0606,
    "Conflicting Evidence/Cherrypicking": 0.0,
}
# Of a system's published verdicts: questions, questions and answers, and at the six thresholds.
WANTED = {
    "meteor": (0.4955, 0.3408, [0.6950, 0.6200, 0.5225, 0.4025, 0.1925, 0.0875]),
    "meteor_nosyn": (0.4889, 0.3328, [0.6925, 0.6025, 0.4975, 0.3775, 0.1875, 0.0800]),
}


@pytest.fixture(scope="module")
def plain(published):
    return averitec(*published, METEOR)


def check(found, name):
    questions, answers, at = WANTED[name]
    assert found["n"] == 400
    assert found["accuracy"] == pytest.approx(0.6975, abs=5e-5)
    assert found["f1"] == pytest.approx(F1, abs=5e-5)
    assert found["macro_f1"] == pytest.approx(0.3805, abs=5e-5)
    assert (found["meteor"], found["tokenizer"]) == (name, "NLTKWordTokenizer")
    assert found["hu_meteor_q"] == pytest.approx(questions, abs=5e-4)
    assert found["hu_meteor_qa"] == pytest.approx(answers, abs=5e-4)
    assert list(found["averitec"].values()) == pytest.approx(at, abs=0.0026)


@pytest.mark.acceptance
def test_the_published_verdicts_score_as_measured_without_synonyms(plain):
    check(plain, "meteor_nosyn")


@pytest.mark.acceptance
def test_the_published_verdicts_score_as_measured_with_synonyms(published):
    if find_wordnet() is None:
        pytest.skip("no WordNet here (Debian: wordnet-base)")
    check(averitec(*published, open_meteor()), "meteor")


@pytest.mark.acceptance
def test_verdicts_are_joined_by_claim(published, plain):
    verdicts, claims = published
    shuffled = random.Random(4).sample(verdicts, len(verdicts))
    assert averitec(shuffled, claims, METEOR) == plain


@pytest.mark.acceptance
def test_missing_verdicts_are_wrong(published, plain):
    verdicts, claims = published
    left_out = random.Random(4).sample(verdicts, 10)
    label = {claim.claim_id: claim.label for claim in claims}
    lost = sum(one.pred_label == label[one.claim_id] for one in left_out)
    kept = [one for one in verdicts if one not in left_out]
    found = averitec(kept, claims, METEOR)
    assert 0 < lost < 10
    assert found["accuracy"] == pytest.approx(plain["accuracy"] - lost / 400, abs=1e-12)
