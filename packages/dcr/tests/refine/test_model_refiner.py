import pytest
from dcr.critique.language_model import LanguageModel
from dcr.refine.model_refiner import ModelRefiner, refine_messages
from dcr.refine.refiner import RefineRequest, RefineResult, RefinerOptions
from tenpapers.testing import chat_server, write_rows

from ..by_hand import detected

ROW = detected("Ann ran home in July.", [0], topic="sport")
ITEM = RefineRequest(ROW, "feedback", "1. It was June.")


@pytest.fixture
def refined(tmp_path):
    """A function that refines with recorded words."""

    def run(*said, samples=None, item=ITEM, **options):
        rows = [
            {"id": f"a|refine|{number}", **(one if isinstance(one, dict) else {"text": one})}
            for number, one in enumerate(said)
        ]
        model = LanguageModel.open(f"replay:{write_rows(tmp_path / 'said.jsonl', rows)}")
        (result,) = ModelRefiner(model, RefinerOptions(**options)).refine(
            [item], samples or len(said)
        )
        return result

    return run


def test_the_sample_with_the_fewest_edits_is_taken_and_all_are_kept(refined):
    assert refined("She ran home in June.", "Here:\nAnn ran home in June.") == RefineResult(
        text="Ann ran home in June.",
        raw="Here:\nAnn ran home in June.",
        samples=["She ran home in June.", "Ann ran home in June."],
        cleaned=True,
        calls=2,
    )


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("x" * 64, "length"),
        (" \n", "empty"),
        ({"text": "Ann ran home", "finish_reason": "length"}, "truncated"),
        ({"text": "I cannot help.", "finish_reason": "refused"}, "refused"),
        ({"text": "", "finish_reason": "content_filter"}, "filtered"),
    ],
)
def test_what_cannot_stand_in_for_the_response_leaves_it_as_it_is(refined, said, why):
    result = refined(said)
    assert (result.text, result.rejected, result.rejection) == (ROW.response, True, why)


def test_blanks_around_a_response_are_no_change_of_it(refined):
    row = ROW.model_copy(update={"response": f"{ROW.response}\n"})
    assert refined(ROW.response, item=RefineRequest(row, "direct")).text == row.response


def test_a_sample_without_an_answer_is_an_error_of_the_response(refined):
    result = refined("Ann ran home in June.", samples=2)
    assert (result.error, result.text) == ("error: not recorded", ROW.response)


def test_a_document_that_is_too_long_is_an_error_of_its_response(refined):
    assert "its document has 13 words, 3 at most" in refined("x", document_words=3).error


def test_words_around_a_refinement_may_stay(refined):
    result = refined("Here:\nAnn ran home in June.", clean=False)
    assert (result.text, result.cleaned) == ("Here:\nAnn ran home in June.", False)


def test_what_the_refiner_is_told():
    asked = {
        told: refine_messages(RefineRequest(ROW, told, "1. It was June."), RefinerOptions())[
            -1
        ].content
        for told in ("feedback", "direct", "detected")
    }
    assert "```\n1. It was June.\n```" in asked["feedback"]
    assert "copy it as it is" in asked["direct"]
    assert "is factually inconsistent" in asked["detected"]
    for told in ("direct", "detected"):
        assert "It was June" not in asked[told]
    assert "copy" not in asked["detected"]
    assert all("as few changes as possible" in text for text in asked.values())
    assert all("```\nsport\n```" in text for text in asked.values())


def test_samples_of_one_response_are_drawn_apart_at_the_models_temperature():
    bodies = []
    with (
        chat_server(lambda prompt: "Ann ran home in June.", bodies) as address,
        ModelRefiner(LanguageModel.open(f"openai:m@{address}", cache=False)) as refiner,
    ):
        refiner.refine([ITEM], samples=2)
    assert [body["temperature"] for body in bodies] == [0.6, 0.6]
    assert len({body["seed"] for body in bodies}) == 2
