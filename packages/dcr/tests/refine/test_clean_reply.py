import pytest
from dcr.refine.clean_reply import clean_reply

RESPONSE = "Ann ran home in July. Bo sat."
GOOD = "Ann ran home in June. Bo sat."


@pytest.mark.parametrize(
    "reply",
    [
        f"Here is the edited response:\n\n{GOOD}",
        f"**Edited response:**\n{GOOD}",
        f"Sure! Here's the edited response: {GOOD}",
        f"The revised summary is as follows:\n{GOOD}",
        f"My own words about it:\n{GOOD}",
        f"{GOOD}\n\nChanges made:\n1. July to June",
        f"{GOOD}\n**Refinements made**\n- July",
        f"{GOOD}\n\nI made the following changes to the summary: July",
        f"{GOOD}\nI have made one change to the response.",
        f"{GOOD}\nFeedback on this:\n1. x",
        f"```\n{GOOD}\n```",
        f"Here it is:\n```text\n{GOOD}\n```\nChanges made: none",
        f"{GOOD}</s>",
    ],
)
def test_what_stands_around_a_refinement_goes(reply):
    assert clean_reply(reply, RESPONSE) == (GOOD, True)


@pytest.mark.parametrize(
    ("reply", "response"),
    [
        (GOOD, RESPONSE),
        ("Key points 2019:\n- Ann ran", "Key points 2018:\n- Ann ran"),
        ("Here is the news: Bo sat in May.", "Here is the news: Bo sat."),
        ("Ann ran.\nChanges made: two.", "Ann ran.\nChanges made: two."),
        ("The council said: no.", "The council said: yes."),
        ("Changes made: none", RESPONSE),
        ("", RESPONSE),
    ],
)
def test_what_belongs_to_the_text_stays(reply, response):
    assert clean_reply(reply, response) == (reply, False)


def test_no_error_in_place_of_a_text_means_the_response_as_it_is():
    assert clean_reply("There is no error in the response.", RESPONSE) == (RESPONSE, True)
    mine = "The log has no error."
    assert clean_reply("The log has no error at all.", mine) == (
        "The log has no error at all.",
        False,
    )
