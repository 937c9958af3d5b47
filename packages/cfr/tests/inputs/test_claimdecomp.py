import pytest
from cfr.inputs.claimdecomp import read_claimdecomp
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

ROW = {
    "example_id": "-1002",
    "claim": "Oil rose.",
    "person": "A. Person",
    "venue": "a speech",
    "label": "barely-true",
    "annotations": [
        {"questions": ["Did it rise?", "Was it oil?"], "answers": ["no", "yes"]},
        {"questions": ["did it  rise?", "By much?"], "answers": ["no", "no"]},
    ],
}


def test_questions_of_all_annotators_each_once(tmp_path):
    file = write_rows(tmp_path / "test.jsonl", [ROW])
    (claim,) = read_claimdecomp(file)
    assert (claim.claim_id, claim.speaker, claim.label) == ("-1002", "A. Person", "barely-true")
    assert claim.model_extra["venue"] == "a speech"
    assert [(q.question, q.answers[0].answer) for q in claim.questions] == [
        ("Did it rise?", "no"),
        ("Was it oil?", "yes"),
        ("By much?", "no"),
    ]
    (first,) = read_claimdecomp(file, annotators="first")
    assert len(first.questions) == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"label": "sort of"}, "label 'sort of'; one of pants-fire"),
        ({"annotations": [{"questions": ["a", "b"], "answers": ["no"]}]}, "1 answers to 2"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, change, told):
    with pytest.raises(UserError, match=f"test.jsonl:1: {told}"):
        read_claimdecomp(write_rows(tmp_path / "test.jsonl", [ROW | change]))


def test_pants_on_fire_under_its_names(tmp_path):
    rows = [ROW | {"label": name} for name in ("pants-fire", "Pants on Fire!", "pants_fire")]
    found = read_claimdecomp(write_rows(tmp_path / "test.jsonl", rows))
    assert {claim.label for claim in found} == {"pants-fire"}
