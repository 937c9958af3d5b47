import pytest
from dcr.critique.language_model import LanguageModel
from dcr.critique.model_critic import ModelCritic
from dcr.critique.stage import Counted
from dcr.detect.detector import Detector
from dcr.records import Critique, EmptyResponseError, Instance
from dcr.refine.model_refiner import ModelRefiner
from dcr.refine.recipes import Components, run_recipe
from dcr.refine.span_edit import SpanEdit
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

from ..by_hand import DOCUMENT, SharedWords

RIGHT = "Ann ran home in June.\n\nBo sat down in Paris. "
WRONG = "Ann ran home in June. Bo sat down in Oslo. Bo sat down on 12 May."
MENDED = "Ann ran home in June. Bo sat down in Paris. Bo sat down on 12 May."


def instance(response, name="a"):
    return Instance(id=name, document=DOCUMENT, response=response)


def detector():
    return Detector(SharedWords(), "shared-words", threshold=0.99)


class Counts:
    """A critic or refiner that says one thing, and counts how often it is asked."""

    name, identity, whole_response, asks_model = "counts", "counts", False, True
    told = ("feedback", "direct", "detected")

    def __init__(self, text="It was Paris."):
        self.text, self.asked = text, []

    def stream(self, items, samples=1, *, progress=None):
        from dcr.refine.refiner import RefineResult

        for item in items:
            self.asked.append(item)
            if hasattr(item, "sentence"):
                given = {"sentence_idx": item.sentence_idx, "sentence": item.sentence}
                yield item, Critique(**given, raw=self.text, verdict="unparsed")
            else:
                yield item, RefineResult(self.text, self.text, [self.text], calls=samples)


@pytest.mark.parametrize("recipe", ["dcr", "detect_refine"])
def test_a_response_that_is_supported_comes_back_as_it_is_and_nobody_is_asked(recipe):
    critic, refiner = Counts(), Counts()
    (row,) = run_recipe(recipe, [instance(RIGHT)], Components(refiner, detector(), critic))
    assert (row.refined, row.changed, row.response_ok, row.calls) == (RIGHT, False, True, 0)
    assert (critic.asked, refiner.asked, row.samples) == ([], [], ())


@pytest.mark.parametrize(
    ("recipe", "critiques", "told", "feedback", "calls"),
    [
        ("direct", 0, "direct", [], 1),
        ("detect_refine", 0, "detected", [], 1),
        ("dcr", 1, "feedback", ["1. It was Paris."], 2),
        (
            "feed_refine",
            3,
            "feedback",
            ["1. It was Paris.", "2. It was Paris.", "3. It was Paris."],
            4,
        ),
    ],
)
def test_what_each_recipe_asks_of_three_sentences_of_which_the_second_is_flagged(
    recipe, critiques, told, feedback, calls
):
    critic, refiner = Counts(), Counts(MENDED)
    (row,) = run_recipe(recipe, [instance(WRONG)], Components(refiner, detector(), critic))
    assert len(critic.asked) == critiques
    assert [(item.told, item.feedback.splitlines()) for item in refiner.asked] == [(told, feedback)]
    assert (row.refined, row.changed, row.recipe, row.calls) == (MENDED, True, recipe, calls)
    assert row.feedback.splitlines() == feedback
    assert row.labels == ([1, 0, 1] if recipe in ("dcr", "detect_refine") else [])
    if recipe == "dcr":
        assert critic.asked[0].sentence == "Bo sat down in Oslo."


def test_a_recipe_runs_with_models_whose_words_are_data(tmp_path):
    said = [
        {
            "id": "a|critique|1",
            "text": "He was in Paris.\nThe error span is: 'Oslo'\nChange it to 'Paris'",
        },
        {"id": "a|refine|0", "text": f"Here it is:\n{MENDED}"},
    ]
    spec = f"replay:{write_rows(tmp_path / 'said.jsonl', said)}"
    critic, refiner = ModelCritic(LanguageModel.open(spec)), ModelRefiner(LanguageModel.open(spec))
    (row,) = run_recipe("dcr", [instance(WRONG)], Components(refiner, detector(), critic))
    assert (row.refined, row.cleaned, row.calls) == (MENDED, True, 2)
    (critique,) = row.critiques
    assert WRONG[slice(*critique.span_offset)] == "Oslo"
    assert row.feedback == "1. He was in Paris. The error span is: 'Oslo' Change it to 'Paris'"


def test_what_failed_has_no_row_and_is_told_and_the_others_stay_in_order(tmp_path):
    texts = {"a": WRONG, "b": RIGHT, "c": WRONG, "d": WRONG}
    said = [{"id": f"{name}|critique|1", "text": "Paris."} for name in "ad"]
    said += [{"id": f"{name}|refine|0", "text": MENDED} for name in "cd"]
    spec = f"replay:{write_rows(tmp_path / 'said.jsonl', said)}"
    critic, refiner = ModelCritic(LanguageModel.open(spec)), ModelRefiner(LanguageModel.open(spec))
    counted = Counted()
    rows = run_recipe(
        "dcr",
        [instance(text, name) for name, text in texts.items()],
        Components(refiner, detector(), critic),
        counted,
    )
    assert [row.id for row in rows] == ["b", "d"]
    assert counted.failed == {
        "a": "refiner: error: not recorded",
        "c": "critic: error: not recorded",
    }


def test_where_every_critique_was_withheld_the_response_stays_and_is_told(tmp_path):
    said = [{"id": "a|critique|1", "text": "I cannot.", "finish_reason": "refused"}]
    critic = ModelCritic(LanguageModel.open(f"replay:{write_rows(tmp_path / 's.jsonl', said)}"))
    (row,) = run_recipe("dcr", [instance(WRONG)], Components(SpanEdit(), detector(), critic))
    assert (row.refined, row.rejected, row.rejection) == (WRONG, True, "no critique")


@pytest.mark.parametrize(
    ("recipe", "components", "told"),
    [
        ("dcrr", {}, "unknown recipe 'dcrr'; one of direct, feed_refine, detect_refine, dcr"),
        ("dcr", {"critic": Counts()}, "recipe dcr: needs a detector"),
        ("feed_refine", {}, "recipe feed_refine: needs a critic"),
        ("direct", {"refiner": SpanEdit()}, "recipe direct: has no critiques, and span-edit"),
    ],
)
def test_a_recipe_that_cannot_be_run_is_told(recipe, components, told):
    with pytest.raises(UserError, match=told):
        list(
            run_recipe(
                recipe, [instance(WRONG)], Components(**({"refiner": Counts()} | components))
            )
        )


@pytest.mark.parametrize("recipe", ["direct", "dcr"])
def test_an_empty_response_is_an_error_and_a_blank_one_stays(recipe):
    components = Components(Counts(), detector(), Counts())
    with pytest.raises(EmptyResponseError, match="a: the response is empty"):
        list(run_recipe(recipe, [instance("")], components))
    (row,) = run_recipe(recipe, [instance(" \n")], components)
    assert (row.refined, row.response_ok) == (" \n", True)


def test_fields_of_the_users_own_come_back():
    row = Instance(id="a", document=DOCUMENT, response=RIGHT, year=1998)
    (refined,) = run_recipe("dcr", [row], Components(Counts(), detector(), Counts()))
    assert refined.year == 1998
