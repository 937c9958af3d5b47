import pytest
from dcr.detect.open_detector import open_detector
from dcr.records import Revised
from dcr.scoring.evaluate import evaluate, questions_of
from dcr.scoring.settings import EvaluateSettings
from tenpapers.errors import UserError
from tenpapers.records import read_json
from tenpapers.testing import read_rows, write_rows

DOCUMENT = "Ann ran home in May. Bob sat down."


def row(name, response, refined, **more):
    plain = {"id": name, "document": DOCUMENT, "response": response, "refined": refined}
    return plain | {"recipe": "dcr", "detector": "lexical", "mine": name} | more


ROWS = [
    row("a", "Ann ran in June.", "Ann ran in May.", calls=2, timings={"refine": 0.5}),
    row("b", "Bob sat down.", "Bob sat down.", document="Bob sat down."),
    row("c", "Ann sat.", "", rejected=True, rejection="length"),
]


def score(*scores):
    names = ["of text 1 is", "of text 2 is"] if len(scores) == 2 else ["is"]
    return "\n".join(f"The final score {n} {s}" for n, s in zip(names, scores, strict=True))


def recorded(folder, said):
    rows = [{"id": name, "text": text} for name, text in said.items()]
    return f"replay:{write_rows(folder / 'said.jsonl', rows)}"


def run(folder, rows=ROWS, said=None, **more):
    file = write_rows(folder / "refined.jsonl", rows)
    if said is not None:
        more["judge"] = recorded(folder, said)
    return evaluate(EvaluateSettings(file, **more), folder / "out"), read_rows(
        folder / "out" / "scores.jsonl"
    )


def test_edits_and_rouge_are_scored_without_any_model(tmp_path):
    summary, rows = run(tmp_path)
    assert [(one["id"], one["edits"], one["subs"], one["copied"]) for one in rows] == [
        ("a", 1, 1, False),
        ("b", 0, 0, True),
        ("c", 0, 0, True),
    ]
    assert [one["scored"] for one in rows] == ["refined", "refined", "empty"]
    assert rows[0]["mine"] == "a" and rows[0]["document"] == DOCUMENT
    assert rows[0].keys() >= {"adds", "deletes", "rougeL_original", "rougeL_refined"}
    assert rows[0]["rougeL_refined"] > rows[0]["rougeL_original"] and rows[2]["rougeL_delta"] == 0
    effort = summary["metrics"]["edits"]
    assert effort["edits"] == pytest.approx(1 / 3) and effort["changed"] == pytest.approx(1 / 3)
    assert summary["metrics"]["rouge"]["n"] == 3
    assert summary["documents"] == 2 and summary["calls"] == 2 and summary["seconds"] == 0.5
    counts = summary["counts"]
    assert (counts["rejected"], counts["rejected_for"], counts["n_empty"]) == (1, {"length": 1}, 1)
    assert read_json(tmp_path / "out" / "summary.json") == summary
    assert "word edits" in (tmp_path / "out" / "summary.md").read_text()


def test_a_judge_scores_each_side_and_what_it_did_not_say_is_no_score(tmp_path):
    said = {
        "a|likert|original": score(2),
        "a|likert|refined": score(4.5),
        "b|likert|original": score(3),  # unchanged: judged once
        "c|likert|original": "I cannot say.",
    }
    summary, rows = run(tmp_path, said=said, metrics="likert")
    assert [(one["likert_original"], one["likert_refined"]) for one in rows] == [
        (2, 4.5),
        (3, 3),
        (None, None),
    ]
    found = summary["metrics"]["likert"]
    assert (found["n"], found["delta"], found["n_unparsed"]) == (2, 1.25, 1)
    answers = summary["judge_answers"]
    assert (answers["asked"], answers["read"], answers["unparsed"]) == (4, 3, 1)


def test_a_judge_that_prefers_what_it_sees_first_gives_ties_in_both_orders(tmp_path):
    rows = [row(name, f"Ann ran {name}.", "Ann ran in May.") for name in "pqr"]
    orders = ("original first", "refined first")
    said = {f"{name}|pairwise|{order}": score(5, 2) for name in "pqr" for order in orders}
    summary, _ = run(tmp_path, rows, said, metrics="pairwise")
    found = summary["metrics"]["pairwise"]
    assert (found["win"], found["tie"], found["loss"], found["n_pairs"]) == (0, 1, 0, 3)
    assert found["original"] == found["refined"] == 3.5


def test_each_side_is_shown_first_once(tmp_path):
    settings = EvaluateSettings(tmp_path, metrics="pairwise", judge="x")
    one = Revised.model_validate(ROWS[0])
    first, second = questions_of(settings, "pairwise", one, one.refined)
    shown = [q.messages[-1].content for q in (first, second)]
    assert [q.id for q in (first, second)] == [
        "a|pairwise|original first",
        "a|pairwise|refined first",
    ]
    assert shown[0].index("Ann ran in June.") < shown[0].index("Ann ran in May.")
    assert shown[1].index("Ann ran in June.") > shown[1].index("Ann ran in May.")


def test_scores_of_a_pair_follow_their_text_and_half_a_pair_is_null(tmp_path):
    said = {
        "a|pairwise|original first": score(2, 4),
        "a|pairwise|refined first": score(5, 1),
        "d|pairwise|original first": score(2, 4),
        "d|pairwise|refined first": "The final score of text 1 is 5.",
    }
    rows = [*ROWS[:2], row("d", "Ann sat.", "Bob sat.")]
    summary, rows = run(tmp_path, rows, said, metrics="pairwise")
    sides = [(one["pairwise_original"], one["pairwise_refined"], one["win"]) for one in rows]
    assert sides == [(1.5, 4.5, 1), (None, None, 0), (None, None, None)]
    found = summary["metrics"]["pairwise"]
    assert (found["win"], found["tie"], found["n_pairs"]) == (0.5, 0.5, 2)
    assert (found["n_same_text"], found["n_unparsed"]) == (1, 1)


def test_a_drawn_order_asks_once_and_is_the_rows_own(tmp_path):
    rows = [row(str(n), "Ann sat.", "Ann ran.") for n in range(40)]
    orders = ("original first", "refined first")
    said = {f"{n}|pairwise|{order}": score(4, 3) for n in range(40) for order in orders}
    more = {"metrics": "pairwise", "pairwise_orders": "random_order"}
    summary, _ = run(tmp_path, rows, said, **more)
    found = summary["metrics"]["pairwise"]
    assert summary["judge_answers"]["asked"] == 40 and found["tie"] == 0
    assert 0.2 < found["win"] < 0.8  # whoever came first won


def test_a_scorer_of_its_own_is_not_the_detector_that_gated(tmp_path):
    more = {"metrics": "minicheck", "detector": "lexical"}
    gated = row("a", "Ann ran. Bob ran.", "Ann ran home in May.")
    summary, rows = run(tmp_path, [gated, ROWS[1] | {"recipe": "direct"}], **more)
    sentences = ("Ann ran.", "Bob ran.", "Ann ran home in May.")
    with open_detector("lexical") as detector:
        first, second, third = detector.score([(DOCUMENT, one) for one in sentences]).probs
    assert rows[0]["minicheck_original"] == pytest.approx((first + second) / 2)
    assert rows[0]["minicheck_refined"] == pytest.approx(third)
    assert [one["minicheck_independent"] for one in rows] == [False, True]
    found = summary["metrics"]["minicheck"]
    assert found["independent"] is False and found["n"] == 2
    assert rows[1]["minicheck_delta"] == 0
    assert "not independent" in (tmp_path / "out" / "summary.md").read_text()


@pytest.mark.parametrize(
    ("rows", "more", "told"),
    [
        ([ROWS[0], ROWS[0]], {}, "id 'a' stands there twice"),
        ([ROWS[0] | {"document": " "}], {}, "jsonl:1: the document is empty"),
        (ROWS, {"metrics": "edits,bleu"}, "--metrics bleu: unknown"),
        (ROWS, {"metrics": ""}, "none is named"),
        (ROWS, {"metrics": "likert"}, "needs --judge"),
    ],
)
def test_what_cannot_be_scored_is_told_in_one_line(tmp_path, rows, more, told):
    with pytest.raises(UserError, match=told):
        run(tmp_path, rows, **more)
