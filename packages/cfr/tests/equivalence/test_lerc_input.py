import logging

from cfr.equivalence.lerc_input import LercRow, inputs_of, lay_out

CLS, SEP = 101, 102


def parts(context, question, reference, candidate):
    """Word pieces 1000.., 2000.., 3000.. and 4000.. of such lengths."""
    lengths = (context, question, reference, candidate)
    return [list(range(n * 1000, n * 1000 + length)) for n, length in enumerate(lengths, 1)]


def test_a_long_context_loses_its_end():
    made = lay_out(*parts(600, 10, 8, 7), cls=CLS, sep=SEP)
    assert len(made.ids) == 512
    assert made.segments == [0] * 495 + [1] * 17
    assert made.ids[:2] == [CLS, 1000] and made.ids[482:485] == [1481, SEP, 2000]


def test_a_short_row_is_whole():
    made = lay_out([7], [8, 9], [5], [6], cls=CLS, sep=SEP)
    assert made.ids == [CLS, 7, SEP, 8, 9, SEP, 5, SEP, 6, SEP]
    assert made.segments == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]


def test_where_the_answers_are_too_long_the_candidate_is_cut_first():
    context, question, reference, candidate = parts(20, 4, 5, 9)
    made = lay_out(context, question, reference, candidate, cls=CLS, sep=SEP, longest=16)
    assert made.ids == [CLS, SEP, *question, SEP, *reference, SEP, 4000, 4001, SEP]
    made = lay_out(context, question, reference, candidate, cls=CLS, sep=SEP, longest=12)
    assert made.ids == [CLS, SEP, *question, SEP, 3000, 3001, 3002, SEP, SEP]


def test_cut_answers_are_told(tokenizer, caplog):
    rows = [
        LercRow(context="a", question="who", reference="you", candidate="me " * 600),
        LercRow(context="a " * 600, question="who", reference="you", candidate="me"),
    ]
    with caplog.at_level(logging.WARNING):
        long, short = inputs_of(tokenizer, rows)
    assert len(long.ids) == len(short.ids) == 512
    (record,) = caplog.records
    assert "1 answers are longer than 512 word pieces" in record.getMessage()
