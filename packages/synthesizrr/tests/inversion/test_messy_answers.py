"""What models really write around an answer, and in place of one."""

import pytest
from synthesizrr.inputs.task import Task, load_task
from synthesizrr.inversion.parse import parse, pieces
from synthesizrr.inversion.prompts import inserted, stop_sequences
from synthesizrr.inversion.refusals import refuses
from synthesizrr.records import text_digest

from .test_parse import generation

AG = load_task("ag_news")


def task(header="Order:", prefix="Customer message:", ask="Write what the customer says."):
    return Task(
        name="own",
        labels={"a": "bad", "b": "good"},
        document_header=header,
        answer_prefix=prefix,
        instruction=ask,
        fewgen_instruction=ask,
    )


@pytest.mark.parametrize(
    "answer",
    [
        "**Customer message:** My parcel is late.",
        "**Customer message**: My parcel is late.",
        "customer message: My parcel is late.",
        "### Customer Message\nMy parcel is late.",
        "Sure, here is the customer message:\n\nCustomer message: My parcel is late.",
        "Sure, here is the customer message:\n\nMy parcel is late.",
        "Here's the customer message: My parcel is late.",
        "**Customer message: My parcel is late.**",
        "Customer message:\r\nMy parcel is late.\r\n",
        "My parcel is late.\n\nHuman: another\n\nAssistant: Mine too.",
    ],
)
def test_an_echo_of_the_prompt_is_not_the_text(answer):
    assert pieces(answer, task(), label="a")[0] == "My parcel is late."


def test_in_a_chat_the_prefix_is_no_stop_and_in_turns_the_next_turn_is_one():
    assert stop_sequences(task(), "chat") == ("\n\nOrder:",)
    assert "\n\nHuman:" in stop_sequences(task(), "turns")
    assert stop_sequences(task(header="Product", prefix="Review")) == ("\n\nProduct\n",)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "As an AI language model, I can't summarise",
        "I'm unable to sum up",
        "I cannot fulfill this request.",
        "Es tut mir leid, aber ich kann dabei nicht helfen.",
        "Je suis désolé, mais je ne peux pas vous aider avec cela.",
        "Lo siento, pero no puedo ayudar con eso.",
        "Извините, но я не могу помочь с этим.",
        "抱歉，我不能总结这篇文章。",
        "申し訳ございませんが、お手伝いできません。",
        "죄송하지만 도와드릴 수 없습니다.",
    ],
)
def test_a_refusal_in_any_words_is_counted_and_no_row(text):
    for fewgen in (False, True):
        rows, report = parse([generation(text)], AG, fewgen=fewgen)
        assert rows == [] and report.refused == 1


@pytest.mark.parametrize(
    "text",
    [
        "Workers cannot summarize their anger, unions said.",
        "I'm sorry, but I can't find my parcel.",
        "I can't help but smile at this film.",
        "As an AI startup, Nantech grew.",
        "Es tut mir leid, aber mein Paket ist nicht da.",
        "抱歉，我无法登录我的账户。",
    ],
)
def test_what_people_cannot_do_is_a_text(text):
    assert not refuses(text, AG)


def test_every_generation_is_in_one_of_the_numbers():
    """One of each kind: eight generations, two texts, six set aside by reason."""
    given = [
        generation("Shares rose. ", "1"),
        generation("I'd rather not.", "2").model_copy(update={"finish_reason": "refused"}),
        generation("", "3").model_copy(update={"finish_reason": "filtered"}),
        generation("Oil fell. The comp", "4").model_copy(update={"finish_reason": "length"}),
        generation("Gold fell.", "5").model_copy(update={"finish_reason": "length"}),
        generation("", "6"),
        generation("shares  ROSE.", "7"),
        generation("A seed.", "8").model_copy(update={"icl_sha256": [text_digest("a  Seed.")]}),
    ]
    rows, report = parse(given, AG, deduplicate=True)
    assert [row.text for row in rows] == ["Shares rose.", "Gold fell."]
    assert report.set_aside == {
        "refused": 1,
        "filtered": 1,
        "truncated": 1,
        "copied": 1,
        "empty": 1,
        "duplicate": 1,
    }
    assert report.generations == report.texts + sum(report.set_aside.values()) == 8
    trimmed, report = parse(given, AG, deduplicate=True, truncated="trim")
    assert [row.text for row in trimmed] == ["Shares rose.", "Oil fell.", "Gold fell."]
    assert (report.trimmed, report.truncated) == (1, 0)


@pytest.mark.parametrize("cut", ["The price is $46.", "He works in the U.S.", "Rates of 3.", "Mr."])
def test_a_number_or_an_abbreviation_at_the_limit_ends_no_sentence(cut):
    answer = generation(cut).model_copy(update={"finish_reason": "length"})
    assert parse([answer], AG)[1].truncated == 1


def test_an_instruction_is_known_by_five_words_at_the_head_of_a_line():
    own = task(prefix="Review:", ask="Write a {{ label }} review of it.")
    for text in ("Write a bad ticket and they ignore you.", "It works. Write a letter to them."):
        assert pieces(text, own, label="a") == [text]
    assert pieces("It broke.\nWrite a bad review of it.\nReview: x", own, label="a") == [
        "It broke.",
        "x",
    ]


def test_markers_that_are_words_go_only_as_headings():
    own = task(header="Product", prefix="Review")
    text = "Products reviewed in this review: the product page of Productiva."
    assert inserted(text, own) == text and pieces(text, own) == [text]
    assert inserted("Fine.\nReview\nProduct: other", own) == "Fine.\n\nother".replace("\n\n", "\n")


def test_fields_that_the_input_had_are_handed_on():
    row = generation("Shares rose.").model_copy(update={"batch": 7})
    assert parse([row], AG)[0][0].unknown == {"batch": 7}
