"""Contexts of the three tasks: spans, leaks, what real-limited keeps."""

import json
from collections import Counter

import pytest
from retrievalheads.inputs.builders.build import split_items
from retrievalheads.inputs.builders.mdqa import answer_spans
from retrievalheads.inputs.fact_writers import (
    CacheWriter,
)
from retrievalheads.inputs.published_files import read_source, wh_word
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

from ...builds import built, check_needles


def test_leaking_distractors_stay_out(questions, tmp_path):
    examples = built(tmp_path, questions, variant="real-full", context_tokens=300)
    check_needles(examples, 300)
    for example in examples:
        assert not any(document.title == "Leak" for document in example.documents)
        assert sum(example.answers[0] in d.text for d in example.documents) == 1
        assert example.documents[example.needles[0].doc_id - 1].role == "gold"


def test_real_limited_keeps_one_kind_of_question(questions, data_rows, tmp_path):
    assert {wh_word(q) for q in ("Who is it", "in which town", "when was that")} == {
        "who",
        "which",
        "when",
    }
    with pytest.raises(UserError, match="0 usable examples, 8 wanted"):
        built(tmp_path / "none", questions, variant="real-limited", wh="when")
    source = write_rows(tmp_path / "m.jsonl", data_rows)
    kept = built(tmp_path / "m", source, "musique", "real-limited", allow_fewer=True, hops="any")
    assert all("natural" not in example.id for example in kept)


@pytest.fixture
def data_rows():
    """Two-hop questions in MuSiQue's form; paragraphs of some as a Python literal."""
    rows = []
    for i in range(20):
        natural = i % 4 == 0
        paragraphs = [
            {
                "idx": 0,
                "title": f"Band {i}",
                "paragraph_text": f"Band {i} was led by Singer{i:02d} "
                "for years. " + "They toured. " * 5,
                "is_supporting": True,
            },
            {
                "idx": 1,
                "title": f"Singer{i:02d}",
                "paragraph_text": f"Singer{i:02d} was born in "
                f"Village{i:02d} by the sea. " + "It is small. " * 5,
                "is_supporting": True,
            },
            {
                "idx": 2,
                "title": "Extra",
                "paragraph_text": f"Nothing number {i} happened here.",
                "is_supporting": False,
            },
        ]
        first = f"Who led Band {i}?" if natural else f"Band {i} >> performer"
        rows.append(
            {
                "id": f"2hop__{'natural' if natural else 'arrow'}{i}",
                "question": f"Where was the leader of Band {i} born?",
                "answer": f"Village{i:02d}",
                "answer_aliases": [],
                "paragraphs": repr(paragraphs) if i % 2 else paragraphs,
                "question_decomposition": [
                    {"question": first, "answer": f"Singer{i:02d}", "paragraph_support_idx": 0},
                    {
                        "question": "#1 >> place of birth",
                        "answer": f"Village{i:02d}",
                        "paragraph_support_idx": 1,
                    },
                ],
            }
        )
    return rows


def test_musique_spans_and_literals(data_rows, tmp_path):
    """Bridge and answer spans, also where the paragraphs are a Python literal in a string."""
    source = write_rows(tmp_path / "m.jsonl", data_rows)
    examples = built(
        tmp_path / "m", source, "musique", "real-full", n=10, context_tokens=400, hops="2hop"
    )
    check_needles(examples, 400)
    for example in examples:
        kinds = {(needle.kind, needle.hop) for needle in example.needles}
        assert kinds == {("bridge", 1), ("answer", 2)}
    data_rows[1]["paragraphs"] = "__import__('os').getcwd()"
    with pytest.raises(UserError, match=r"m\.jsonl:2: a field is no list"):
        read_source("musique", write_rows(tmp_path / "m.jsonl", data_rows))


def test_answers_inside_words_and_numbers_are_no_evidence(tmp_path):
    """Of "7" in 2017, 7th-grade and "7 days" only the last two stand by themselves."""
    text = "In 2017 the 7-man crew of 747 and B7 waited 7 days, fed by 17 cooks."
    assert [text[s.start - 1 : s.end + 5] for s in answer_spans(text, ["7"])] == [
        " 7-man ",
        " 7 days",
    ]
    assert [(s.start, s.end) for s in answer_spans("It cost $5 (US$5).", ["$5"])] == [
        (8, 10),
        (14, 16),
    ]
    row = {"id": "a", "question": "how many days", "answers": ["7"], "gold_title": ""}
    rows = [row | {"gold_text": "Founded in 2017."}, row | {"id": "b", "gold_text": text}]
    source = write_rows(tmp_path / "nq.jsonl", rows)
    assert [item.id for item in read_source("mdqa", source)] == ["b"]


def test_answers_of_hops_stand_by_themselves(data_rows, tmp_path):
    """The last hop's answer is 7, which its passage has only in 2017: dropped, with the reason."""
    data_rows = data_rows[::2]
    for row in data_rows:
        row["paragraphs"][1]["paragraph_text"] = "It was built in 2017 by the sea."
        row["question_decomposition"][1]["answer"] = row["answer"] = "7"
    source = write_rows(tmp_path / "m.jsonl", data_rows)
    with pytest.raises(UserError, match="the answer is not in its passage"):
        built(tmp_path / "m", source, "musique", "real-full", hops="2hop")


@pytest.mark.parametrize("variant", ["hl", "ll"])
def test_the_repeated_filler_does_not_give_the_answer_away(variant, tmp_path):
    """Its sentences are about green grass, a blue sky and the sun."""
    values = ["green", "blue", "sun", "sky", "grass", "houses"] * 3
    rows = [
        {"id": f"f{i}", "entity": f"Harbour {i}", "relation": "sign", "value": value}
        for i, value in enumerate(values)
    ]
    source = write_rows(tmp_path / "facts.jsonl", rows)
    examples = built(tmp_path / "out", source, variant=variant, n=12, allow_fewer=True)
    check_needles(examples, 600)
    assert {example.answers[0] for example in examples} >= {"green", "blue", "sun"}
    for example in examples:
        fillers = [d.text for d in example.documents if d.role == "filler"]
        assert fillers and not any(example.answers[0] in text for text in fillers)
        assert all(text.endswith("path.") for text in fillers)


def test_haystacks_in_their_published_form(tmp_path):
    """SummHay's real variant: every document with the insight, cited by number."""
    documents = [
        {
            "document_id": f"d{i}",
            "document_text": f"Talk {i}. " + "We met. " * 10,
            "insights_included": ["in0"] if i in (1, 4) else ["in1"] if i == 2 else [],
        }
        for i in range(8)
    ]
    rows = [
        {
            "topic_id": t,
            "topic": f"meeting {t}",
            "documents": documents,
            "subtopics": [
                {
                    "query": "what",
                    "insights": [
                        {"insight_id": f"in{k}", "insight": f"Insight {k} of {t}"}
                        for k in (0, 1, 2)
                    ],
                }
            ],
        }
        for t in range(3)
    ]
    for row in rows:
        for number, insight in enumerate(row["subtopics"][0]["insights"]):
            insight["insight_id"] = f"in{number}"
    source = tmp_path / "haystacks.json"
    source.write_text(json.dumps(rows))
    made = built(tmp_path / "s", source, "summhay", "real-full", n=4, allow_fewer=True)
    check_needles(made, 600)
    for example in made:
        gold = {d.doc_id for d in example.documents if d.role == "gold"}
        assert {int(a) for a in example.answers} == gold
        assert {n.kind for n in example.needles} == {"doc_id", "insight"}
    reasons = json.loads((tmp_path / "s" / "manifest.json").read_text())["dropped"]
    assert "the source has no haystack documents" in str(reasons)
    topics = [
        {item.topic for item in part}
        for part in split_items(read_source("summhay", source), "summhay", 0).values()
    ]
    assert not topics[0] & topics[2]


def test_the_shipped_passages_are_a_source_of_their_own(tmp_path):
    """Sixty facts with their texts; contexts of other passages, the same relation among them."""
    from retrievalheads.inputs.fact_writers import shipped_passages

    assert len(CacheWriter.read(shipped_passages()).passages) >= 60
    examples = built(tmp_path, "", generator="cache", n=20, context_tokens=1024)
    check_needles(examples, 1024, full=True)
    for example in examples:
        roles = Counter(document.role for document in example.documents)
        assert roles["gold"] == 1 and roles["distractor"] >= 4
        assert sum(example.answers[0] in document.text for document in example.documents) == 1
    with pytest.raises(UserError, match="--source FILE"):
        built(tmp_path, "", "musique")
