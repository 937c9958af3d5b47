import pytest
from cfr.scoring.token_recall import token_recall
from cfr.signals.gold import gold
from tenpapers.errors import UserError

from .conftest import answer, candidates, claim, passage

# Five words that count: bridge, opened, spring, 1931, cyclists.
TEXT = "The bridge was opened in the spring of 1931 for cyclists"
ARCHIVED = "https://web.archive.org/web/20201129141238/https://www.a.org/page/#top"
OTHER = "https://b.org/else"


def said(labels):
    return {j.pid: (round(j.score, 3), j.rel) for j in labels.judgements}


def test_the_share_of_an_answers_words_leaves_stop_words_out():
    assert token_recall(TEXT, "A bridge, opened for the cyclists!") == 0.6
    assert token_recall("it was not his", "it was not his") == 0.0


def test_windows_of_the_source_with_six_tenths_of_the_answer_are_positive():
    windows = [
        passage("all", TEXT, ARCHIVED),
        passage("three", "the bridge opened for cyclists", "http://a.org/page"),
        passage("two", "the bridge opened", "http://a.org/page"),
        passage("same words", TEXT, OTHER),
        passage("one", "a bridge", OTHER),
        passage("none", "prices rose", OTHER),
    ]
    (labels,) = gold([candidates(passages=windows)], [claim(answer(TEXT))])
    assert labels.signal == "gold"
    assert said(labels) == {
        "all": (1.0, 1),
        "three": (0.6, 1),
        "two": (0.4, None),
        "same words": (1.0, None),
        "one": (0.2, None),
        "none": (0.0, 0),
    }


def test_where_none_has_enough_the_best_of_the_source_is_positive():
    windows = [
        passage("two", "the bridge opened", "http://a.org/page"),
        passage("two more", "cyclists in 1931", "http://a.org/page"),
        passage("one", "spring", "http://a.org/page"),
    ]
    (labels,) = gold([candidates(passages=windows)], [claim(answer(TEXT))])
    assert said(labels) == {"two": (0.4, 1), "two more": (0.4, None), "one": (0.2, None)}
    (labels,) = gold([candidates(passages=windows[2:])], [claim(answer(TEXT))])
    assert said(labels) == {"one": (0.2, None)}


def test_a_boolean_answer_stands_with_its_explanation():
    explained = answer(
        "Yes.", kind="Boolean", boolean_explanation="It was opened in spring 1931 by cyclists"
    )
    windows = [passage("p", "in spring 1931 cyclists opened it", "https://a.org/page")]
    (labels,) = gold([candidates(passages=windows)], [claim(explained)])
    assert said(labels) == {"p": (0.8, 1)}  # of yes, opened, spring, 1931, cyclists


@pytest.mark.parametrize(
    "unfit",
    [
        answer("No answer could be found.", kind="Unanswerable"),
        answer("In spring 1931", kind="Extractive"),
        answer(TEXT, url="Metadata"),
    ],
)
def test_answers_that_cannot_be_looked_for_give_no_labels(unfit):
    (labels,) = gold([candidates(passages=[passage("p", TEXT)])], [claim(unfit)])
    assert not labels.judgements
    assert labels.skipped == "no answer that can be looked for"


def test_an_answer_stands_in_for_a_lost_page_where_that_is_wanted():
    row = candidates(passages=[passage("p", "prices rose", OTHER)])
    (labels,) = gold([row], [claim(answer(TEXT))], pseudo_evidence=True)
    (stand_in,) = labels.passages
    assert (stand_in.pid, stand_in.text, stand_in.pseudo) == ("1:0:answer:0", TEXT, True)
    assert said(labels) == {"p": (0.0, 0), "1:0:answer:0": (1.0, 1)}
    (labels,) = gold([row], [claim(answer(TEXT))])
    assert not labels.passages and said(labels) == {"p": (0.0, 0)}


@pytest.mark.parametrize(
    ("qid", "told"), [("9:0", "no claim '9'"), ("1:4", "has 1 subquestions"), ("x", "no claim ''")]
)
def test_a_query_of_no_claim_is_refused(qid, told):
    with pytest.raises(UserError, match=told):
        gold([candidates(qid=qid)], [claim(answer(TEXT))])


def test_a_claim_of_that_number_in_another_file_is_refused():
    other = claim(answer(TEXT)).model_copy(update={"claim": "Oil rose."})
    with pytest.raises(UserError, match="claim '1' of the references is another one: 'Oil rose.'"):
        gold([candidates()], [other])
    spaced = claim(answer(TEXT)).model_copy(update={"claim": "the bridge  fell."})
    assert gold([candidates()], [spaced])[0].skipped == ""
