import csv
import gzip
import json

import pytest
from tenpapers.testing import read_rows, write_rows

from ..conftest import command, fails, pair

PAIRS = [
    pair("1", "The answer is A", "so the answer is B", gold="B", question="2 = ?"),
    pair("2", "The answer is B", "so x = 1, the answer is B", gold="B"),
    pair("3", "no idea", "Answer: C", gold="C"),
    pair("4", "Answer: C", "hm", gold="C"),
]


def test_score_writes_the_fixed_interface(tmp_path):
    file = tmp_path / "r.jsonl.gz"
    with gzip.open(file, "wt") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in PAIRS)
    command("score", file, "--out", tmp_path / "s")
    rows = read_rows(tmp_path / "s" / "graded.jsonl")
    assert [(row["id"], row["arm"], row["answer"], row["parsed"], row["correct"]) for row in rows][
        :4
    ] == [
        ("1", "direct", "A", True, False),
        ("1", "cot", "B", True, True),
        ("2", "direct", "B", True, True),
        ("2", "cot", "B", True, True),
    ]
    one = json.loads((tmp_path / "s" / "results.json").read_text())["tasks"]["s/t"]
    wanted = {
        "n": 4,
        "direct": 50.0,
        "cot": 75.0,
        "delta": 25.0,
        "unparsed_direct": 25.0,
        "unparsed_cot": 25.0,
    }
    assert {key: one[key] for key in wanted} == wanted
    command("score", file, "--unparseable", "guess", "--out", tmp_path / "g")
    one = json.loads((tmp_path / "g" / "results.json").read_text())["tasks"]["s/t"]
    assert one["direct"] == pytest.approx(100 * (2 + 1 / 3) / 4)


def test_outputs_and_logged_flags(tmp_path):
    base = {
        "task": "csqa",
        "model": "m",
        "gold": "A",
        "answer_kind": "letter",
        "choices": {"label": ["A", "B"], "text": ["x", "y"]},
    }
    rows = [
        base
        | {
            "id": str(n),
            "setting": setting,
            "response": text,
            "correct": True,
            "answer": "A",
            "parsed": True,
        }
        for n in range(3)
        for setting, text in (("zs_direct", "B"), ("zs_cot", "Answer: A"), ("fs_cot", "A"))
    ]
    file = write_rows(tmp_path / "o.jsonl", rows)
    command("score", file, "--out", tmp_path / "s")
    tasks = json.loads((tmp_path / "s" / "results.json").read_text())["tasks"]
    assert (tasks["m:zs/csqa"]["direct"], tasks["m:zs/csqa"]["cot"]) == (0, 100)
    assert tasks["m:fs/csqa"]["n"] == 0
    command("score", file, "--grading", "logged", "--out", tmp_path / "l")
    tasks = json.loads((tmp_path / "l" / "results.json").read_text())["tasks"]
    assert tasks["m:zs/csqa"]["direct"] == 100
    bare = write_rows(
        tmp_path / "b.jsonl", [{"id": "1", "task": "csqa", "setting": "zs_cot", "response": "A"}]
    )
    fails("score", bare, "--out", tmp_path / "x", told=["no gold answer", "--items"])
    items = write_rows(tmp_path / "items.jsonl", [base | {"id": "1", "question": "q"}])
    command("score", bare, "--items", items, "--out", tmp_path / "x")
    assert read_rows(tmp_path / "x" / "graded.jsonl")[0]["correct"]


def test_the_grading_of_mathematical_answers_is_chosen_for_pairs_too(tmp_path):
    rows = [pair("1", "\\boxed{1+3x}", "\\boxed{3x+1}", gold="3x+1", kind="math", texts=None)]
    file = write_rows(tmp_path / "r.jsonl", rows)
    for by, direct in (("verify", 100), ("official", 0)):
        command("score", file, "--math", by, "--out", tmp_path / by)
        one = json.loads((tmp_path / by / "results.json").read_text())["tasks"]["s/t"]
        assert (one["direct"], one["cot"]) == (direct, 100)


def test_significance_equals_report_and_advice(tmp_path):
    rows = [pair(f"{n}", "Answer: A", "1 = 1. Answer: B", gold="B") for n in range(30)]
    write_rows(tmp_path / "in" / "r.jsonl", rows)
    command("significance", tmp_path / "in", "--out", tmp_path)
    (row,) = csv.DictReader((tmp_path / "significance.csv").open())
    names = ["task", "n", "cot_only", "direct_only", "delta", "p", "significant"]
    assert list(row)[:7] == names
    assert [row[name] for name in names[:4]] == ["s/t", "30", "30", "0"]
    assert row["significant"] == "True" and float(row["delta"]) == 100
    command("equals", tmp_path / "in", "--out", tmp_path)
    table = {one["task"]: one for one in csv.DictReader((tmp_path / "equals.csv").open())}
    assert table["s/t"]["n_with"] == "30" and float(table["s/all"]["share_with"]) == 100
    command("report", tmp_path / "in", "--group", "task", "--out", tmp_path / "r")
    assert {"report.md", "table.csv", "fig1.png", "fig3.png", "results.json"} <= {
        one.name for one in (tmp_path / "r").iterdir()
    }
    command("advise", tmp_path / "in", "--out", tmp_path)
    (row,) = csv.DictReader((tmp_path / "advice.csv").open())
    assert row["advice"].startswith("use CoT")


def test_a_scored_folder_is_read_again_under_its_policy(tmp_path):
    """Three of six direct answers commit to nothing: 1/3 each as a guess."""
    rows = [pair(f"{n}", "hm" if n < 3 else "A", "Answer: B", gold="B") for n in range(6)]
    file = write_rows(tmp_path / "r.jsonl", rows)
    for policy in ("guess", "wrong"):
        command("score", file, "--unparseable", policy, "--out", tmp_path / policy)
    deltas = {}
    for name, options in (("guess", []), ("wrong", []), ("told", ["--unparseable", "wrong"])):
        folder = tmp_path / ("guess" if name == "told" else name)
        command("significance", folder, *options, "--out", tmp_path / f"p-{name}")
        (row,) = csv.DictReader((tmp_path / f"p-{name}" / "significance.csv").open())
        deltas[name] = float(row["delta"])
    assert deltas == {"guess": pytest.approx(250 / 3), "wrong": 100, "told": 100}
    command("equals", tmp_path / "guess", "--out", tmp_path / "e")
    both = [tmp_path / "guess", tmp_path / "wrong"]
    fails("report", *both, "--out", tmp_path / "b", told=["several policies"])


def test_tasks_in_no_group_are_named(tmp_path, capsys):
    file = write_rows(tmp_path / "r.jsonl", [pair("1", "Answer: A", "Answer: B", gold="B")])
    command("report", file, "--out", tmp_path / "r")
    assert "In none of the five groups: s/t." in capsys.readouterr().out


def test_subjects_choices_and_the_text_classifier(tmp_path, capsys):
    rows = []
    for n in range(40):
        helped = n % 2 == 0
        base = {
            "id": str(n),
            "task": "mmlu",
            "model": "m",
            "gold": "A",
            "answer_kind": "letter",
            "choices": {"label": ["A", "B"], "text": ["x", "y = 1"]},
            "question": "q",
            "subject": "algebra" if helped else "law",
        }
        cot = "so x = 2. Answer: A" if helped else "a long tale. Answer: B"
        rows += [
            base | {"setting": "zs_direct", "response": "Answer: B"},
            base | {"setting": "zs_cot", "response": cot},
        ]
    write_rows(tmp_path / "in" / "o.jsonl", rows)
    command("equals", tmp_path / "in", "--classifier", "--out", tmp_path / "e")
    said = capsys.readouterr().out
    lines = [line.split() for line in said.splitlines()]
    assert ["algebra", "20", "0.000", "100.0", "1.000"] in lines
    assert ["tf-idf", "1.000", "1.000"] in lines and ["equals", "sign", "1.000", "1.000"] in lines
    table = {row["task"]: row for row in csv.DictReader((tmp_path / "e" / "equals.csv").open())}
    assert table["m:zs/mmlu"]["n_with"] == "20"
    command("equals", tmp_path / "in", "--include-choices", "--out", tmp_path / "c")
    table = {row["task"]: row for row in csv.DictReader((tmp_path / "c" / "equals.csv").open())}
    assert table["m:zs/mmlu"]["n_with"] == "40"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no records in it"),
        ("{broken\n", ":1: not JSON"),
        ('{"id": "1"}\n', "neither an Output nor a Replay record"),
        (
            json.dumps(PAIRS[0] | {"choices": {"label": ["A"], "text": ["x", "y"]}}),
            "1 labels for 2",
        ),
        (
            json.dumps({key: v for key, v in PAIRS[0].items() if key != "gold"}),
            "missing field 'gold'",
        ),
        (json.dumps(PAIRS[0]) + "\n" + json.dumps(PAIRS[0]), "id '1' twice in arm direct"),
    ],
)
def test_bad_responses(tmp_path, content, told):
    file = tmp_path / "bad.jsonl"
    file.write_text(content)
    fails("score", file, "--out", tmp_path / "o", told=["bad.jsonl", told])


def test_other_bad_input(tmp_path):
    file = write_rows(tmp_path / "r.jsonl", PAIRS)
    out = ["--out", tmp_path / "o"]
    fails("score", tmp_path / "none.jsonl", *out, told=["no such file"])
    policies = "'half' is not one of 'wrong', 'guess', 'drop'"
    fails("score", file, "--unparseable", "half", *out, told=[policies])
    fails("score", file, "--grading", "logged", *out, told=["no logged_direct_correct"])
    fails(
        "equals", file, "--scope", "title", *out, told=["'title' is not one of 'both', 'question'"]
    )
    fails("significance", file, "--family", "birds", *out, told=["family birds: unknown"])
    only = write_rows(tmp_path / "d.jsonl", [pair("1", "A", None)])
    fails("equals", only, *out, told=["no CoT arm"])
    truncated = tmp_path / "t.jsonl.gz"
    truncated.write_bytes(gzip.compress(json.dumps(PAIRS[0]).encode() * 50)[:-20])
    fails("score", truncated, *out, told=["t.jsonl.gz", "gzip"])


def test_the_papers_public_rows(tmp_path, capsys):
    base = {
        "question": "q",
        "answerKey": "B",
        "answer": "B",
        "choices": json.dumps({"label": ["A", "B"], "text": ["x", "y"]}),
    }
    rows = [
        base
        | {
            "zero_shot_direct_model_response": ["B"],
            "zero_shot_direct_is_correct": [True],
            "zero_shot_cot_model_response": ["The answer is A"],
            "zero_shot_cot_is_correct": [False],
            "few_shot_cot_model_response": ["[invalid] not run"],
        }
    ]
    file = write_rows(tmp_path / "taur.jsonl", rows)
    command("import-taur", file, "--task", "csqa", "--model", "m", "--out", tmp_path, "--json")
    counts = json.loads(capsys.readouterr().out)
    assert counts == {"agree": 2, "not run": 1}
    outputs = read_rows(tmp_path / "csqa.jsonl")
    assert [(row["setting"], row["correct"]) for row in outputs] == [
        ("zs_direct", True),
        ("zs_cot", False),
    ]
    pandas = pytest.importorskip("pandas")
    struct = [row | {"choices": json.loads(str(row["choices"]))} for row in rows]
    for number, same in enumerate((rows, struct)):
        parquet, folder = tmp_path / f"{number}.parquet", tmp_path / f"p{number}"
        pandas.DataFrame(same).to_parquet(parquet)
        command("import-taur", parquet, "--task", "csqa", "--model", "m", "--out", folder)
        assert read_rows(folder / "csqa.jsonl") == outputs
    for broken in ("[", '{"label": ["A"]}'):
        write_rows(file, [base | {"choices": broken}])
        told = ["taur.jsonl:1: choices without two lists `label` and `text`"]
        fails("import-taur", file, "--task", "csqa", "--out", tmp_path, told=told)
    write_rows(file, [{"question": "q"}])
    fails(
        "import-taur", file, "--task", "csqa", "--out", tmp_path, told=["missing field 'choices'"]
    )
