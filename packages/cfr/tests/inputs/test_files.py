import logging

import pytest
from cfr.inputs.files import (
    read_candidates,
    read_labels,
    read_pages,
    read_passages,
    read_queries,
    read_ranked,
)
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

PASSAGE = {"pid": "p", "text": "oil"}
QUERY = {"qid": "0:0", "claim": "c"}


@pytest.mark.parametrize(
    ("read", "rows", "told"),
    [
        (read_pages, [{"url": "u"}], "x.jsonl:1: missing field 'text'"),
        (read_pages, [], "no records in it"),
        (read_passages, [PASSAGE, PASSAGE], "pid 'p' stands there twice"),
        (read_queries, [QUERY, QUERY], "qid '0:0' stands there twice"),
        (read_queries, [QUERY | {"claim": "  "}], "query 0:0: its claim is empty"),
        (read_candidates, [QUERY | {"passages": [PASSAGE] * 2}], "0:0: pid 'p' stands there twice"),
        (read_labels, [{"qid": "0", "signal": "gold"}] * 2, "'gold of 0' stands there twice"),
        (read_labels, [{"qid": "0", "signal": "luck"}], "x.jsonl:1: signal"),
        (read_ranked, [{"qid": "0"}] * 2, "qid '0' stands there twice"),
        (
            read_labels,
            [{"qid": "0", "signal": "gold", "judgements": [{"pid": 1, "rel": 1}, {"pid": "1"}]}],
            "0: pid '1' stands there twice",
        ),
        (
            read_ranked,
            [{"qid": "0", "results": [{"pid": "a", "score": 1, "rank": n} for n in (1, 2)]}],
            "0: pid 'a' stands there twice",
        ),
    ],
)
def test_what_is_not_clear_is_refused(tmp_path, read, rows, told):
    with pytest.raises(UserError, match=told):
        read(write_rows(tmp_path / "x.jsonl", rows))


def test_a_broken_line_is_named(tmp_path):
    file = tmp_path / "x.jsonl"
    file.write_text('{"url": "u", "text": "t"}\n{"url"\n')
    with pytest.raises(UserError, match=r"x.jsonl:2: not JSON"):
        read_pages(file)


def test_a_question_may_stand_without_a_claim(tmp_path):
    file = write_rows(tmp_path / "q.jsonl", [{"qid": 4, "claim": "", "question": "who?"}])
    (query,) = read_queries(file)
    assert (query.qid, query.question) == ("4", "who?")


def test_queries_without_passages_are_kept_and_counted(tmp_path, caplog):
    rows = [QUERY, QUERY | {"qid": "0:1", "passages": [PASSAGE], "mine": 3}]
    with caplog.at_level(logging.WARNING):
        found = read_candidates(write_rows(tmp_path / "c.jsonl", rows))
    assert [len(row.passages) for row in found] == [0, 1]
    assert found[1].model_dump()["mine"] == 3
    assert "1 of 2 queries have no passages" in caplog.text
