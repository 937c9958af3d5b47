import re

from tenpapers.testing import read_rows, write_rows

from ..conftest import command, fails


def test_solve_writes_the_fixed_interface(tmp_path):
    plans = {
        "python": [
            {"id": "a", "plan": "def solution():\n    return 3\n"},
            {"id": "b", "plan": "import os\ndef solution():\n    return os.getpid()\n"},
            {"id": "c", "plan": "def solution():\n    while True: pass\n"},
        ],
        "bool": [{"id": "a", "plan": "aaa is True.\nDeduce the result of aaa."}],
        "fol": [{"id": "a", "plan": {"premises": ["P(a)"], "conclusion": "Q(a)"}}],
    }
    wanted = {
        "python": [("a", "ok", 3), ("b", "refused", None), ("c", "timeout", None)],
        "bool": [("a", "ok", "True")],
        "fol": [("a", "ok", "Unknown")],
    }
    for kind, rows in plans.items():
        file = write_rows(tmp_path / f"{kind}.jsonl", rows)
        allow = ["--allow-code"] if kind == "python" else []
        command("solve", "--kind", kind, file, "--out", tmp_path / kind, *allow)
        found = read_rows(tmp_path / kind / "solved.jsonl")
        assert [(row["id"], row["status"], row["value"]) for row in found] == wanted[kind]
    file = tmp_path / "python.jsonl"
    fails("solve", "--kind", "python", file, "--out", tmp_path, told=["--allow-code"])
    fails(
        "solve",
        "--kind",
        "prolog",
        file,
        "--out",
        tmp_path,
        told=["'prolog' is not one of 'python', 'bool', 'fol'"],
    )
    write_rows(file, [{"id": "a"}])
    fails("solve", "--kind", "bool", file, "--out", tmp_path, told=[":1: missing field 'plan'"])
    write_rows(file, [{"id": "a", "plan": "x"}, {"id": "a", "plan": "y"}])
    fails("solve", "--kind", "bool", file, "--out", tmp_path, told=["'a' is there twice"])


def test_a_failing_plan_says_why_and_the_sandbox_is_named(tmp_path, capsys):
    plans = [{"id": "a", "plan": "def solution():\n    return 1 + 'x'"}]
    file = write_rows(tmp_path / "plans.jsonl", plans)
    options = ["--kind", "python", file, "--allow-code", "--out", tmp_path]
    command("solve", *options)
    (row,) = read_rows(tmp_path / "solved.jsonl")
    wanted = "plan:2: TypeError: unsupported operand type(s) for +: 'int' and 'str'"
    assert (row["status"], row["error"]) == ("error", wanted)
    shown = capsys.readouterr().out
    assert re.search(r"^Sandbox: (namespaces|landlock) \(programs: 1\)", shown, re.MULTILINE)
    for timeout in ("0", "-1", "nan"):
        fails("solve", *options, "--timeout", timeout, told=["timeout"])


def test_meta_writes_tables_and_figure(tmp_path):
    file = tmp_path / "r.csv"
    file.write_text("Paper link,Category,Dataset,Direct perf.,CoT perf.,Delta\nu,x,gsm,10,40,30\n")
    cats = tmp_path / "c.csv"
    cats.write_text("Dataset,Category\ngsm,math (arithmetic)\n")
    command("meta", file, "--categories", cats, "--out", tmp_path / "m")
    assert "math,30.0,30.0,1" in (tmp_path / "m" / "meta.csv").read_text()
    assert (tmp_path / "m" / "meta.png").stat().st_size > 5000
