import json

import pytest
from cfr.scoring.labels import AVERITEC
from tenpapers.testing import command, fails, imports_of_help, read_rows, write_rows

PASSAGES = [
    {"pid": "p1", "url": "https://a.org/1", "text": "The bridge was opened in May 2013."},
    {"pid": "p2", "url": "https://b.org/2", "text": "Building the bridge took two years."},
    {"pid": "p3", "url": "https://c.org/3", "text": "Oil prices rose sharply."},
]
CLAIMS = [
    {
        "claim_id": name,
        "claim": "The bridge opened in 2012.",
        "questions": [{"question": "When was the bridge opened?"}],
    }
    for name in (1, 2, "b")
]


def ranked(qid, *pids):
    results = [{"pid": pid, "score": 1 / rank, "rank": rank} for rank, pid in enumerate(pids, 1)]
    return {"qid": qid, "results": results}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An index of three passages, claims, candidates with rankings, and recorded models."""
    folder = tmp_path_factory.mktemp("given")
    passages = write_rows(folder / "passages.jsonl", PASSAGES)
    command("cfr", "index", "--passages", passages, "--encoder", "none", "--out", folder / "index")
    write_rows(folder / "claims.jsonl", CLAIMS)
    names = [str(claim["claim_id"]) for claim in CLAIMS]
    queries = [
        {"qid": f"{name}:0", "claim": "The bridge opened in 2012.", "question": "When?"}
        for name in names
    ]
    write_rows(folder / "queries.jsonl", queries)
    write_rows(folder / "candidates.jsonl", [row | {"passages": PASSAGES} for row in queries])
    write_rows(folder / "ranked.jsonl", [ranked(f"{name}:0", "p2", "p1") for name in names])
    for model, year in (("one", "2013"), ("two", "2014")):
        rows = [{"id": f"{name}:0", "text": f"In {year}."} for name in [*names, "claim"]]
        rows += [{"id": name, "text": f"{year}.\nLABEL: Refuted"} for name in [*names, "claim"]]
        write_rows(folder / f"{model}.jsonl", rows)
    return folder


@pytest.fixture
def models(files):
    return [f"replay:{files / name}.jsonl" for name in ("one", "two")]


def test_answers_are_read_from_the_first_passages(files, models, tmp_path, capsys):
    out = tmp_path / "a.jsonl"
    given = ["--ranked", files / "ranked.jsonl", "--reader", models[0], "--topk", 1, "--out", out]
    command("cfr", "answer", *given, "--candidates", files / "candidates.jsonl", "--json")
    counts = json.loads(capsys.readouterr().out)
    assert (counts["questions"], counts["answered"], counts["failed"]) == (3, 3, 0)
    row = read_rows(out)[0]
    assert len(row.pop("prompt_sha256")) == 16
    assert row == {
        "qid": "1:0",
        "answer": "In 2013.",
        "pids": ["p2"],
        "answered": True,
        "finish_reason": "stop",
    }
    beside = tmp_path / "b.jsonl"
    given = [*given[:-1], beside, "--index", files / "index", "--queries", files / "queries.jsonl"]
    command("cfr", "answer", *given)
    assert read_rows(beside) == read_rows(out)


def test_rankings_without_texts_are_refused(files, models, tmp_path):
    given = ["--ranked", files / "ranked.jsonl", "--reader", models[0], "--out", tmp_path / "a"]
    fails("cfr", "answer", *given, told=["a ranking has no texts; pass --candidates FILE"])
    other = write_rows(tmp_path / "r.jsonl", [ranked("1:0", "p9")])
    more = ["--candidates", files / "candidates.jsonl", "--ranked", other]
    fails("cfr", "answer", *given, *more, told=["query 1:0: p9 is not in"])


def test_failed_requests_have_no_row_and_end_with_three(files, tmp_path, capsys):
    some = write_rows(tmp_path / "some.jsonl", [{"id": "1:0", "text": "Not answered."}])
    out = tmp_path / "a.jsonl"
    given = ["--ranked", files / "ranked.jsonl", "--candidates", files / "candidates.jsonl"]
    command("cfr", "answer", *given, "--reader", f"replay:{some}", "--out", out, "--json", code=3)
    counts = json.loads(capsys.readouterr().out)
    assert (counts["failed"], counts["not_answered"], len(read_rows(out))) == (2, 1, 1)


def arguments(files, model):
    index = ["--index", files / "index", "--mode", "bm25", "--k", 2]
    return [*index, "--reader", model, "--judge", model]


def test_a_file_of_claims_is_verified(files, models, tmp_path, capsys):
    out = tmp_path / "v.jsonl"
    given = [*arguments(files, models[0]), "--claims", files / "claims.jsonl", "--out", out]
    command("cfr", "verify", *given, "--json")
    counts = json.loads(capsys.readouterr().out)
    assert (counts["claims"], counts["verdicts"], counts["parse_failed"]) == (3, 3, 0)
    rows = read_rows(out)
    assert [row["claim_id"] for row in rows] == [1, 2, "b"]
    assert rows[0]["pred_label"] == "Refuted"
    assert rows[0]["evidence"] == [
        {
            "question": "When was the bridge opened?",
            "answer": "In 2013.",
            "url": "https://a.org/1",
            "answered": True,
            "pids": ["p1", "p2"],
        }
    ]


def test_one_claim_is_printed_with_its_evidence(files, models, capsys):
    claim = ["--claim", "The bridge was opened in 2012."]
    command("cfr", "verify", *arguments(files, models[0]), *claim)
    assert capsys.readouterr().out == (
        "Refuted\n\n1. The bridge was opened in 2012.\n   In 2013.\n   https://a.org/1\n\n"
        "2013.\nLABEL: Refuted\n"
    )


def test_a_judge_alone_says_what_evidence_is_worth(files, models, tmp_path):
    out = tmp_path / "v.jsonl"
    given = ["--claims", files / "claims.jsonl", "--judge", models[0], "--out", out]
    command("cfr", "verify", *given, "--evidence", "none")
    assert [row["evidence"] for row in read_rows(out)] == [[], [], []]
    fails("cfr", "verify", *given, "--evidence", "gold", told=['evidence was "none" and is "gold"'])
    fails("cfr", "verify", *given, told=["--evidence found: needs --index and --reader"])


@pytest.mark.slow
def test_a_live_model_verifies_a_claim(files, capsys):
    claim = ["--claim", "The bridge was opened in 2012.", "--no-cache", "--json"]
    claim += ["--answer-tokens", "16", "--verdict-tokens", "24"]
    command("cfr", "verify", *arguments(files, "smollm2"), *claim)
    row = json.loads(capsys.readouterr().out)
    assert row["pred_label"] in AVERITEC.labels and row["raw"]
    assert row["evidence"][0]["pids"] == ["p1", "p2"]
    assert row["finish_reason"] in ("stop", "length")


def test_claims_come_from_one_place_and_go_to_one(files, models, tmp_path):
    given = arguments(files, models[0])
    out = ["--out", tmp_path / "v.jsonl"]
    both = ["--claims", files / "claims.jsonl", "--claim", "x"]
    fails("cfr", "verify", *given, *both, *out, told=["two sources"])
    fails("cfr", "verify", *given, *out, told=["no claims"])
    fails("cfr", "verify", *given, "--claim", "  ", told=["--claim: the claim is empty"])
    fails("cfr", "verify", *given, *both[:2], told=["where do the verdicts go?; pass --out FILE"])


def test_answers_are_scored_row_by_row(tmp_path, capsys):
    row = {"question": "q", "references": ["red car", "blue car"], "context": "", "mine": 1}
    rows = [row | {"candidate": "red bus"}, row | {"candidate": None}]
    given = write_rows(tmp_path / "in.jsonl.gz", rows)
    out = tmp_path / "out.jsonl"
    command("cfr", "score-answers", "--scorer", "f1", "--in", given, "--out", out, "--json")
    assert json.loads(capsys.readouterr().out)["mean"] == 0.25
    assert read_rows(out) == [
        rows[0] | {"score": 0.5, "scorer": "f1"},
        rows[1] | {"score": 0.0, "scorer": "f1"},
    ]
    told = ["scorer lerc: lerc-2020-11-18.tar.gz is not among the paper's data; put it into"]
    fails("cfr", "score-answers", "--scorer", "lerc", "--in", given, "--out", out, told=told)


def test_a_model_grades_answers_and_what_is_no_grade_is_counted(tmp_path, capsys, grading):
    row = {"question": "q", "references": ["red car"], "context": "p"}
    given = write_rows(
        tmp_path / "in.jsonl",
        [row | {"candidate": text} for text in ("crimson car", "blue", "Red car.", "who knows")],
    )
    said = {("q", "red car", "crimson car"): "GRADE: 4", ("q", "red car", "blue"): "GRADE: 1"}
    judge = grading(said | {("q", "red car", "who knows"): "It depends."})
    out = tmp_path / "out.jsonl"
    words = ["score-answers", "--in", given, "--out", out]
    command("cfr", *words, "--scorer", judge, "--json")
    counts = json.loads(capsys.readouterr().out)
    assert counts == {
        "scorer": judge,
        "rows": 4,
        "not_answered": 0,
        "compared": 3,
        "mean": (0.75 + 0 + 1) / 3,
        "scored": 3,
        "unparsed": 1,
        "truncated": 0,
        "refused": 0,
        "filtered": 0,
        "error": 0,
    }
    rows = read_rows(out)
    assert [one["score"] for one in rows] == [0.75, 0.0, 1.0, None]
    assert rows[3]["no_score"] == "unparsed" and len(rows[0]["scorer_prompt_sha256"]) == 16
    command("cfr", *words, "--scorer", grading(said, "fewer"), code=3)  # no answer on the fourth
    fails("cfr", *words, "--scorer", "embd", told=["--scorer: unknown model 'embd'"])


def test_answers_are_evaluated_by_a_model_that_grades(tmp_path, capsys, grading):
    asked = {"claim": "c", "question": "q", "answers": ["red car"]}
    ref = write_rows(tmp_path / "ref.jsonl", [asked | {"qid": name} for name in ("1:0", "1:1")])
    given = [{"qid": "1:0", "answer": "crimson car"}, {"qid": "1:1", "answer": "who knows"}]
    pred = write_rows(tmp_path / "pred.jsonl", given)
    said = {("q", "red car", "crimson car"): "GRADE: 4", ("q", "red car", "who knows"): "?"}
    judge = grading(said)
    command("cfr", "evaluate", "answers", "--pred", pred, "--ref", ref, "--scorer", judge, "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found[judge], found["scored"], found["unparsed"], found["n"]) == (0.75, 1, 1, 2)


def test_help_loads_no_model_library():
    # the settings of every command are read for it
    assert not {"torch", "transformers", "nltk", "scipy"} & imports_of_help("cfr", "verify")
