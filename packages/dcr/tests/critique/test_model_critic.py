import pytest
from dcr.critique.critic import CriticOptions, requests_of
from dcr.critique.language_model import LanguageModel
from dcr.critique.model_critic import ModelCritic, critique_messages, overall_score
from dcr.records import Critique
from tenpapers.testing import chat_server, write_rows

from ..by_hand import detected


@pytest.fixture
def recorded(tmp_path):
    """A function that opens a critic whose words are recorded."""

    def opened(kind="sentence", *rows, **options):
        file = write_rows(tmp_path / "said.jsonl", rows)
        return ModelCritic(LanguageModel.open(f"replay:{file}"), CriticOptions(**options), kind)

    return opened


def test_a_critique_knows_where_its_span_stands_in_the_response(recorded):
    row = detected("Ann ran. Bo sat in May.", [1, 0])
    said = "The document says June.\nThe error span is: 'in may'\nChange it to 'in June'."
    critic = recorded("sentence", {"id": "a|critique|1", "text": said})
    assert critic.critique(requests_of(row)) == [
        Critique(
            sentence_idx=1,
            sentence="Bo sat in May.",
            raw=said,
            reasoning="The document says June.",
            span="in may",
            span_offset=(16, 22),
            fix="in June",
            verdict="error",
        )
    ]


def test_words_that_were_withheld_or_never_came_are_no_critique(recorded):
    row = detected("Ann ran. Bo sat. Cy fell.", [0, 0, 0])
    span = "The error span is: 'Ann'"
    critic = recorded(
        "sentence",
        {"id": "a|critique|0", "text": span, "finish_reason": "refused"},
        {"id": "a|critique|1", "text": "The error", "finish_reason": "length"},
    )
    found = critic.critique(requests_of(row))
    assert [(one.verdict, one.finish_reason, one.raw) for one in found] == [
        ("unparsed", "refused", span),
        ("unparsed", "length", "The error"),
        ("unparsed", "error: not recorded", ""),
    ]


def test_a_document_that_is_too_long_costs_its_own_critique_alone(recorded):
    rows = [
        detected("Ann ran.", [0], document="One two three.", id="long"),
        detected("Ann ran.", [0], document="One two."),
    ]
    items = [item for row in rows for item in requests_of(row)]
    critic = recorded("sentence", {"id": "a|critique|0", "text": "no error"}, document_words=2)
    found = critic.critique(items)
    assert found[0].finish_reason.startswith("error: instance long: its document has 3 words")
    assert found[1].verdict == "no_error"


def test_sentences_of_a_response_share_all_but_the_end_of_the_prompt():
    first, second = requests_of(detected("Ann ran. Bo sat.", [0, 0]))
    prompts = [critique_messages(one, CriticOptions())[-1].content for one in (first, second)]
    heads, tails = zip(*(prompt.split("Sentence:") for prompt in prompts), strict=True)
    assert heads[0] == heads[1]
    assert tails == ("\n```\nAnn ran.\n```", "\n```\nBo sat.\n```")


@pytest.mark.parametrize(
    ("options", "there", "missing"),
    [
        ({}, ["It is known that", "reasoning", "error span", "To fix this"], ["no error"]),
        ({"variant": "with_correct"}, ["exactly these words: no error", "error span"], ["known"]),
        ({"parts": "span,reason"}, ["reasoning", "error span"], ["To fix this"]),
        ({"parts": "span"}, ["error span"], ["reasoning", "To fix this"]),
    ],
)
def test_what_the_variants_and_parts_ask_for(options, there, missing):
    (item,) = requests_of(detected("Ann ran.", [0]))
    asked = critique_messages(item, CriticOptions(**options))[-1].content
    assert all(words in asked for words in there)
    assert not any(words in asked for words in missing)


def test_shepherd_is_asked_about_the_whole_response_and_says_things_once(recorded):
    row = detected("Ann ran. Bo sat.", [1, 0], topic="sport")
    critic = recorded("shepherd", {"id": "a|critique|-1", "text": "Bo ran.</s> Bo ran.</s>Al"})
    assert critic.whole_response
    (item,) = [one.__class__(row, -1, row.response, (0, 16)) for one in requests_of(row)]
    (found,) = critic.critique([item])
    assert (found.raw, found.verdict, found.sentence_idx) == ("Bo ran.", "unparsed", -1)


def test_how_the_published_critics_are_asked(tmp_path):
    row = detected("Bo sat.", [0], topic="sport")
    (item,) = requests_of(row)
    bodies = []
    with chat_server(lambda prompt: "Overall Score: 7", bodies) as address:
        for kind in ("shepherd", "ultracm"):
            model = LanguageModel.open(f"openai:m@{address}", cache=False)
            with ModelCritic(model, kind=kind) as critic:
                (found,) = critic.critique([item])
    shepherd, ultracm = bodies
    assert "focusing on sport, in under 50 words" in shepherd["prompt"]
    assert shepherd["prompt"].endswith("### Feedback:")
    assert (shepherd["max_tokens"], shepherd["temperature"]) == (126, 0.0)
    assert (ultracm["temperature"], ultracm["repetition_penalty"]) == (1.0, 1.2)
    assert ultracm.get("max_tokens", ultracm.get("max_completion_tokens")) == 1024
    assert found.score == 7


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Overall Score: 3\nOverall Score: **10**", 10),
        ("overall score = 11", None),
        ("Overall score: 7.5", None),
        ("good", None),
    ],
)
def test_ultracm_scores_from_one_to_ten(text, wanted):
    assert overall_score(text) == wanted
