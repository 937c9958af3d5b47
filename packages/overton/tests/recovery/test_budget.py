import pytest
from overton.recovery.budget import ContextOverflow, fit
from overton.recovery.prompts import Demo

DEMOS = [Demo(str(n), "answer") for n in range(3)]


def fitted(context, new=700):
    """A prompt of 100 words a demonstration and 50 for the query, as `fit` leaves it."""
    return fit(
        lambda demos: " ".join(["query"] * 50 + [demo.query for demo in demos] * 100),
        DEMOS,
        lambda text: len(text.split()),
        instance=7,
        context=context,
        max_new_tokens=new,
    )


@pytest.mark.parametrize(
    ("context", "dropped", "new"),
    [
        (1050, 0, 700),
        (1049, 1, 700),
        (850, 2, 700),
        (750, 3, 700),
        (749, 3, 699),
        (306, 3, 256),
    ],
)
def test_examples_go_first_and_then_the_answer_gets_shorter(context, dropped, new):
    found = fitted(context)
    assert (found.n_dropped, found.max_new_tokens) == (dropped, new)
    assert found.prompt.split().count("query") == 50
    assert {word for word in found.prompt.split() if word != "query"} == set("012"[dropped:])


def test_what_does_not_fit_at_all_says_what_it_needs():
    with pytest.raises(ContextOverflow, match=r"instance 7 needs 306 tokens, the context has 305"):
        fitted(305)


def test_an_answer_that_is_short_anyway_is_not_made_longer():
    assert fitted(66, new=16).max_new_tokens == 16
    with pytest.raises(ContextOverflow) as caught:
        fitted(65, new=16)
    assert (caught.value.needed, caught.value.limit) == (66, 65)


def test_without_a_tokenizer_nothing_is_left_out():
    found = fit(
        lambda demos: f"{len(demos)}", DEMOS, None, instance=1, context=1, max_new_tokens=700
    )
    assert (found.prompt, found.n_dropped, found.max_new_tokens) == ("3", 0, 700)
