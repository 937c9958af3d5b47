import gzip
import json

import pytest
from dcr.inputs.tofueval import (
    ERROR_TYPES,
    read_sentences,
    read_tofueval,
    sentences_by_type,
)
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

HEADER = "doc_id,annotation_id,topic,model_name,sent_idx,summ_sent,sent_label,exp,type\n"
LINES = """D,1,tea,A,2,It is red.,no,"no, hot","Contradiction, Reasoning Error"
D,1,tea,A,1,Tea is hot.,yes,,
E,1,milk,B,2,Milk is.,yes,,
D,1,tea,A,2,It is new.,no,who says,Extrinsic Information
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress((HEADER + LINES).encode()))
    return path


def test_a_summary_is_its_sentences_in_their_order(tmp_path, file):
    store = [{"doc_id": "D", "document": "Tea."}, {"doc_id": "E", "document": "Milk."}]
    first, second = read_tofueval(file, write_rows(tmp_path / "docs.jsonl", store))
    assert first.response == "Tea is hot. It is red. It is new."
    assert (first.id, first.topic, first.document) == ("D | tea | A", "tea", "Tea.")
    assert [(one.sentence_idx, one.label) for one in first.gold] == [
        (1, ["Contradiction", "Reasoning Error"]),
        (2, ["Extrinsic Information"]),
    ]
    assert [first.response[one.start : one.end] for one in first.gold] == [
        "It is red.",
        "It is new.",
    ]
    assert first.gold[0].explanation == "no, hot" and first.gold[0].span is None
    assert (second.response, second.gold) == ("Milk is.", [])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.jsonl", '{"meeting_id": "D", "source": "Tea."}\n{"meeting_id": "E", "source": "x"}'),
        (
            "news.json",
            json.dumps(
                [
                    {"id": "D", "speaker": ["ANN", "BOB"], "utt": ["Hot?", "Yes."]},
                    {"id": "E", "speaker": ["ANN"], "utt": ["x"]},
                ]
            ),
        ),
    ],
)
def test_documents_as_their_own_projects_have_them(tmp_path, file, name, content):
    (tmp_path / name).write_text(content)
    first, _ = read_tofueval(file, tmp_path / name)
    assert first.document == ("Tea." if name == "m.jsonl" else "ANN: Hot?\nBOB: Yes.")


def test_a_missing_document_is_told_with_where_to_get_it(tmp_path, file):
    store = write_rows(tmp_path / "docs.jsonl", [{"doc_id": "D", "document": "Tea."}])
    with pytest.raises(UserError, match=r"document 'E' is not in it; .*news_dialogue\.json"):
        read_tofueval(file, store)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (HEADER.replace("topic,", ""), "no column 'topic'"),
        (HEADER + "D,1,,A,1,Tea.,yes,,\n", ":2: its field 'topic' is empty"),
        (HEADER + "D,1,t,A,1,Tea.,maybe,,\n", "sent_label 'maybe'"),
        (HEADER + "D,1,t,A,x,Tea.,yes,,\n", "sent_idx 'x' is no number"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, content, told):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(UserError, match=told):
        read_sentences(tmp_path / "t.csv")


def test_the_published_sentences_are_all_there(data):
    found = {
        source: read_sentences(data / f"tofueval_{source}_dev.csv.gz")
        for source in ("mediasum", "meetingbank")
    }
    both = [sentence for sentences in found.values() for sentence in sentences]
    assert [len(sentences) for sentences in found.values()] == [1813, 1624]
    assert [len({one.summary for one in some}) for some in found.values()] == [626, 617]
    wrong = [sentence for sentence in both if not sentence.consistent]
    assert len(wrong) == 644
    assert all(sentence.explanation.strip() for sentence in wrong)
    assert {name for sentence in wrong for name in sentence.types} == set(ERROR_TYPES)
    assert len(ERROR_TYPES) == 7
    assert sentences_by_type(both)["Contradiction"] == 18


def test_the_published_summaries_with_stand_in_documents(data, tmp_path):
    file = data / "tofueval_meetingbank_dev.csv.gz"
    names = {sentence.document for sentence in read_sentences(file)}
    store = [{"doc_id": name, "document": name} for name in names]
    rows = read_tofueval(file, write_rows(tmp_path / "docs.jsonl", store))
    assert (len(rows), len({row.id for row in rows}), len(names)) == (617, 617, 35)
    assert sum(bool(row.gold) for row in rows) == 211
    assert sum(len(row.gold) for row in rows) == 290
