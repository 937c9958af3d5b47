import pytest
from cfr.records import Query
from cfr.retrieval.query_form import fitted_queries, query_text, word_query


@pytest.mark.parametrize(
    ("form", "wanted"),
    [("sep", "c [SEP] q"), ("space", "c q"), ("question-first", "q [SEP] c")],
)
def test_three_forms(form, wanted):
    assert query_text("c", "q", form=form) == wanted


@pytest.mark.parametrize("form", ["sep", "space", "question-first"])
def test_where_one_is_empty_the_other_stands_alone(form):
    assert query_text("c", "", form=form) == "c"
    assert query_text("", "q", form=form) == "q"


def test_bm25_is_asked_with_a_space_between():
    assert word_query(Query(qid="0:0", claim="oil rose", question="why?")) == "oil rose why?"


def test_the_claim_is_cut_and_the_subquestion_never(encoder):
    queries = [
        Query(qid="0:0", claim="the vaccine was tested in mice", question="oil prices rose"),
        Query(qid="1:0", claim="oil rose", question="a b"),
        Query(qid="2:0", claim="oil", question="a b c a b c a b c"),
    ]
    # [CLS] and two [SEP] are tokens too.
    assert fitted_queries(queries, encoder.tokenizer, max_length=9) == [
        "the vaccine was [SEP] oil prices rose",
        "oil rose [SEP] a b",
        "a b c a b c a b c",
    ]


def test_a_claim_alone_is_left_to_the_encoder(encoder):
    long = Query(qid="0:0", claim="the vaccine was tested in mice")
    assert fitted_queries([long], encoder.tokenizer, max_length=4) == [long.claim]
