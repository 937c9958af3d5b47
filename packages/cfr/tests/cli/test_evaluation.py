import json

import pytest
from tenpapers.testing import command, write_rows

LABELS = [
    {
        "qid": "1:0",
        "signal": "gold",
        "judgements": [{"pid": "a", "score": 1.0, "rel": 1}, {"pid": "b", "score": 0.0, "rel": 0}],
    },
    {"qid": "1:1", "signal": "gold", "judgements": [{"pid": "a", "score": 0.0, "rel": 0}]},
]
CLAIM = {
    "claim_id": 1,
    "claim": "The bridge opened in 2012.",
    "label": "Refuted",
    "questions": [{"question": "When did it open?", "answers": [{"answer": "In May 2013."}]}],
}
EVIDENCE = [{"question": "When did it open?", "answer": "It was in 2013.", "url": "https://a.org"}]


def ranked(qid, *pids):
    results = [{"pid": pid, "score": 1 / rank, "rank": rank} for rank, pid in enumerate(pids, 1)]
    return {"qid": qid, "results": results}


@pytest.fixture
def files(tmp_path):
    """Rankings and labels, verdicts and claims."""

    def file(name, *rows):
        return write_rows(tmp_path / name, rows)

    file("ranked.jsonl.gz", ranked("1:0", "b", "a"), ranked("1:1", "a"))
    file("labels.jsonl", *LABELS)
    file("claims.jsonl", CLAIM)
    file("verdicts.jsonl", {"claim_id": 1, "pred_label": "Refuted", "evidence": EVIDENCE})
    file("answers.jsonl", {"qid": "1:0", "answer": "May 2013"})
    return tmp_path


def evaluated(capsys, *arguments, code=0):
    command("cfr", "evaluate", *arguments, "--json", code=code)
    return json.loads(capsys.readouterr().out)


def test_retrieval_prints_what_other_programs_read(files, capsys):
    given = ["--pred", files / "ranked.jsonl.gz", "--ref", files / "labels.jsonl"]
    assert evaluated(capsys, "retrieval", *given) == {
        "n": 1,
        "skipped": 1,
        "mrr": 0.5,
        "hit@1": 0,
        "hit@5": 1,
        "hit@10": 1,
        "recall@1": 0,
        "recall@5": 1,
        "recall@10": 1,
        "ndcg@1": 0,
        "ndcg@5": pytest.approx(0.63093, abs=1e-5),
        "ndcg@10": pytest.approx(0.63093, abs=1e-5),
    }
    assert set(evaluated(capsys, "retrieval", *given, "--at", 2)) == {
        "n",
        "skipped",
        "mrr",
        "hit@2",
        "recall@2",
        "ndcg@2",
    }


def test_a_table_of_retrieval_has_intervals_over_claims(files, capsys):
    rows = [ranked(f"{name}:0", "a" if name else "b") for name in range(3)]
    pred = write_rows(files / "r.jsonl", rows)
    labels = write_rows(files / "l.jsonl", [LABELS[0] | {"qid": f"{n}:0"} for n in range(3)])
    command("cfr", "evaluate", "retrieval", "--pred", pred, "--ref", labels, "--at", 1)
    text = capsys.readouterr().out
    assert "mrr       0.667  0.000      1.000" in text
    assert "3 queries; 0 without a relevant passage are left out." in text


def test_averitec_prints_what_other_programs_read(files, capsys, wordnet_folder):
    given = ["--pred", files / "verdicts.jsonl", "--ref", files / "claims.jsonl"]
    found = evaluated(capsys, "averitec", *given, "--wordnet", wordnet_folder)
    assert list(found) == [
        "n",
        "accuracy",
        "f1",
        "macro_f1",
        "meteor",
        "tokenizer",
        "hu_meteor_q",
        "hu_meteor_qa",
        "averitec",
    ]
    assert (found["n"], found["accuracy"], found["meteor"]) == (1, 1, "meteor")
    assert list(found["averitec"]) == ["0.1", "0.2", "0.25", "0.3", "0.4", "0.5"]
    assert found["hu_meteor_q"] > 0.99


def test_a_table_shows_the_same(files, capsys):
    given = ["--pred", files / "verdicts.jsonl", "--ref", files / "claims.jsonl"]
    command("cfr", "evaluate", "veracity", *given)
    text = capsys.readouterr().out
    assert "Veracity" in text and "f1, Refuted" in text and "macro_f1" in text


def test_answers_have_exact_match_f1_and_a_scorer(files, capsys):
    given = ["--pred", files / "answers.jsonl", "--ref", files / "claims.jsonl"]
    found = evaluated(capsys, "answers", *given, "--scorer", "none")
    assert found == {
        "n": 1,
        "skipped": 0,
        "answered": 1,
        "not_answered": 0,
        "missing": 0,
        "em": 0,
        "f1": 0.8,
    }


def test_a_listwise_teachers_grades_rate_the_first_documents(files, capsys):
    judgements = [{"pid": "a", "score": 2, "rel": 1}, {"pid": "b", "score": 1, "rel": 0}]
    rows = [{"qid": "1:0", "signal": "distill", "judgements": judgements}]
    labels = write_rows(files / "distill.jsonl", rows)
    given = ["--pred", files / "ranked.jsonl.gz", "--ref", labels]
    assert evaluated(capsys, "top-documents", *given, "--k", 2) == {
        "n": 1,
        "skipped": 0,
        "k": 2,
        "top_relevance": 0.5,
        "unjudged": 0,
    }


def test_fever_looks_for_whole_evidence_sets_of_pages(files, capsys):
    evidence = [[[1, 2, "Nikolaj_Coster-Waldau", 7]], [[3, 4, "Fox_-LRB-band-RRB-", 0]]]
    claim = {"id": 9, "claim": "c", "label": "SUPPORTS", "evidence": evidence}
    none = {"id": 8, "claim": "c", "label": "NOT ENOUGH INFO", "evidence": [[[1, 2, None, None]]]}
    ref = write_rows(files / "fever.jsonl", [claim, none])
    passages = [{"pid": "p1", "title": "Fox", "text": "x"}, {"pid": "p2", "title": "Fox (band)"}]
    texts = write_rows(files / "p.jsonl", [one | {"text": "x"} for one in passages])
    pred = write_rows(files / "r.jsonl", [ranked("9:0", "p1", "p2")])
    given = ["--pred", pred, "--ref", ref, "--passages", texts, "--at", 1, "--at", 2]
    assert evaluated(capsys, "fever", *given) == {
        "n": 1,
        "skipped": 1,
        "evidence_recall@1": 0,
        "evidence_recall@2": 1,
    }


def test_hotpotqa_looks_for_both_paragraphs(files, capsys):
    question = {
        "_id": "h",
        "question": "q?",
        "answer": "a",
        "context": [["A", ["x"]], ["B", ["y"]], ["C", ["z"]]],
        "supporting_facts": [["A", 0], ["C", 0]],
    }
    (files / "hotpot.json").write_text(json.dumps([question]))
    pred = write_rows(files / "r.jsonl", [ranked("h:0", "h#2", "h#1", "h#0")])
    given = ["--pred", pred, "--ref", files / "hotpot.json", "--at", 2, "--at", 3]
    assert evaluated(capsys, "hotpotqa", *given) == {
        "n": 1,
        "skipped": 0,
        "recall@2": 0.5,
        "both_found@2": 0,
        "recall@3": 1,
        "both_found@3": 1,
    }


def test_where_nothing_can_be_counted_the_exit_code_says_so(files, capsys):
    labels = write_rows(files / "none.jsonl", LABELS[1:])
    given = ["--pred", files / "ranked.jsonl.gz", "--ref", labels]
    assert evaluated(capsys, "retrieval", *given, code=3)["mrr"] is None
