from dcr.controlled.base_sentences import BaseSentence
from dcr.controlled.perturb import clean, perturb
from hypothesis import given
from hypothesis import strategies as st


def base(sentence, document, name="a"):
    return BaseSentence(id=name, document=document, sentence=sentence, split="test")


def test_the_gold_error_says_what_was_put_where():
    (row,) = perturb([base("Ann sold Bob the house.", "Once Cid knew Bob.")], seed=1)
    assert row.response == "Ann sold Cid the house."
    (gold,) = row.gold
    assert (gold.sentence_idx, gold.start, gold.end, gold.span, gold.fix) == (
        0,
        9,
        12,
        "Cid",
        "Bob",
    )
    assert '"Cid"' in gold.explanation and '"Bob"' in gold.explanation
    assert row.response[: gold.start] + gold.fix + row.response[gold.end :] == row.original


def test_a_number_without_another_grows_a_little():
    rows = [base("He paid 1,200 in all.", "no", f"{n}") for n in range(40)]
    found = {row.gold[0].span for row in perturb(rows, seed=3)}
    assert found == {"1,201", "1,202", "1,203", "1,207", "1,210"}
    (row,) = perturb([base("He paid 2.5 in all.", "no")], seed=3)
    assert row.gold[0].span in {"3.5", "4.5", "5.5", "9.5", "12.5"}


def test_a_sentence_in_which_nothing_can_be_another_is_left_out():
    rows = [base("nothing to see here", "Ann, 5"), base("then Ann sat", "Ann")]
    assert perturb(rows) == []


def test_clean_sentences_have_no_error():
    (row,) = clean([base("Then Ann sat.", "Ann")])
    assert (row.response, row.original, row.gold) == ("Then Ann sat.", "Then Ann sat.", [])


NAMES = st.sampled_from(["Ann", "Bob Ray", "Rome", "5", "7.5", "1,000", "tea", "then", "of"])


@given(st.lists(NAMES, min_size=1, max_size=8), st.lists(NAMES, max_size=8), st.integers(0, 9))
def test_the_fix_restores_the_sentence_and_the_error_is_new_in_it(claim, document, seed):
    row = base("so " + " ".join(claim), "so " + " ".join(document))
    for changed in perturb([row], seed):
        (gold,) = changed.gold
        assert changed.response[gold.start : gold.end] == gold.span != gold.fix
        assert gold.span not in row.sentence
        restored = changed.response[: gold.start] + gold.fix + changed.response[gold.end :]
        assert restored == row.sentence


def test_the_same_seed_draws_the_same_whatever_else_is_there():
    document = "Once Cid, Dan, Eve, Flo, Guy and Hal met Bob."
    rows = [base("Then Ann met Bob there.", document, f"{n}") for n in range(9)]
    whole = {row.id: row.response for row in perturb(rows, 5)}
    assert {row.id: row.response for row in perturb(rows[4:], 5)}.items() <= whole.items()
    assert whole != {row.id: row.response for row in perturb(rows, 6)}
