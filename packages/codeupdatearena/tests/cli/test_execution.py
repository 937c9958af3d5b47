import json

import pytest
from tenpapers.testing import command, fails, read_rows, write_rows

from ..conftest import references


def test_the_fixed_interface_of_evaluate(allowed, mini, mini_file, tmp_path, capsys):
    predictions = write_rows(tmp_path / "p.jsonl", references(mini, n=2))
    out = tmp_path / "out"
    options = ["--arena", mini_file, "--full-report", "--out", out]
    command("codeupdatearena", "evaluate", predictions, *options)
    reports = read_rows(out / "reports.jsonl")
    assert len(reports) == 30
    assert reports[0].keys() >= {
        "prog_syn_id",
        "sample",
        "with_update",
        "without_update",
        "all_pass_with",
        "all_pass_without",
        "exclusive",
        "called_update",
        "empty_code",
        "seconds",
    }
    metrics = json.loads((out / "metrics.json").read_text())
    (values,) = metrics["methods"].values()
    assert values["n_instances"] == 15 and values["n_samples"] == 30
    assert values["pass@1"] == values["UPass@2"] == 100.0
    assert values.keys() >= {
        "pass_old@1",
        "pass_old_excl@1",
        "unsolved",
        "accuracy_mean",
        "accuracy_std",
        "affected",
    }
    assert metrics["versions"]["numpy"]
    sandbox = metrics["sandbox"]
    assert sandbox["barrier"] in ("namespaces", "landlock")
    assert sandbox["counts"]["programs"] > 15 and "crash" not in sandbox["counts"]
    assert metrics["settings"] == {
        "predictions": str(predictions),
        "timeout": 15.0,
        "memory_gb": 4.0,
        "full_report": True,
        "criterion": "official",
        "isolation": "test",
        "cold": False,
        "profile": "current",
    }
    shown = capsys.readouterr().out
    assert "UPass@1" in shown and f"Sandbox: {sandbox['barrier']} (" in shown


def test_why_a_sample_failed_stands_in_its_report(allowed, mini, mini_file, tmp_path, capsys):
    example = mini.examples[0]
    head = example.solution_signature.rstrip(" :").removeprefix("def ")
    code = f"def {head}:\n    print('\\n'.join('abcdefg'))\n    return 1 + 'x'"
    rows = [{"prog_syn_id": example.prog_syn_id, "sample": 0, "code": code}]
    predictions = write_rows(tmp_path / "p.jsonl", rows)
    options = ["--arena", mini_file, "--limit", "1"]
    for extra, printed in (([], "c\nd\ne\nf\ng"), (["--keep-output"], "a\nb\nc\nd\ne\nf\ng\n")):
        out = tmp_path / f"out{len(extra)}"
        command("codeupdatearena", "evaluate", predictions, *options, *extra, "--out", out)
        (report,) = read_rows(out / "reports.jsonl")
        assert report["with_update"] == ["error:TypeError"]
        wanted = "solution:3: TypeError: unsupported operand type(s) for +: 'int' and 'str'"
        assert (report["failure"], report["output"]) == (wanted, printed)
        assert "unknown: failed by 1 error:TypeError (reports.jsonl says" in capsys.readouterr().out


RUN_PROGRAMS = [
    "verify",
    "literalize",
    "evaluate",
    "specificity",
    "reproduce",
    "synth update",
    "synth prog-syn",
]


@pytest.mark.parametrize("words", RUN_PROGRAMS)
def test_every_command_that_runs_programs_says_what_must_stand_around_them(words, capsys):
    command("codeupdatearena", *words.split(), "--help")
    told = capsys.readouterr().out
    assert all(name in told for name in ("--require-isolation", "--weak-sandbox", "--allow-code"))


@pytest.mark.parametrize(
    ("option", "value"),
    [("--timeout", "0"), ("--timeout", "-1"), ("--timeout", "nan"), ("-k", "0")],
)
def test_a_limit_that_is_none_is_refused_in_one_line(
    allowed, mini, mini_file, tmp_path, option, value
):
    predictions = write_rows(tmp_path / "p.jsonl", references(mini))
    options = ["--arena", mini_file, "--out", tmp_path / "o", option, value]
    told = ["timeout" if option == "--timeout" else "-k"]
    fails("codeupdatearena", "evaluate", predictions, *options, told=told)


def test_settings_may_come_from_a_file_and_options_win(allowed, mini, mini_file, tmp_path):
    predictions = write_rows(tmp_path / "p.jsonl", references(mini))
    (tmp_path / "c.yaml").write_text("criterion: strict\ntimeout: 20\nworkers: 1\n")
    options = ["--arena", mini_file, "--limit", "3", "--out", tmp_path / "o", "--allow-partial"]
    (tmp_path / "ids").write_text("\n".join(e.prog_syn_id for e in mini.examples[:3]))
    write_rows(predictions, references(mini)[:3])
    config = ["--config", tmp_path / "c.yaml", "--timeout", "10"]
    command("codeupdatearena", "evaluate", predictions, *options, *config)
    settings = json.loads((tmp_path / "o/metrics.json").read_text())["settings"]
    assert (settings["criterion"], settings["timeout"]) == ("strict", 10.0)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            '{"prog_syn_id": "[x]", "sample": 0, "code": ""}',
            "p.jsonl:16: prediction for an unknown",
        ),
        ('{"prog_syn_id": "ID", "sample": 0, "code": ""}', "p.jsonl:16: second prediction"),
        ('{"prog_syn_id": "ID", "sample": 1, "code": ""}', "missing samples: "),
        ('{"prog_syn_id": "ID", "sample": -1, "code": ""}', "p.jsonl:16: sample: "),
        ('{"prog_syn_id": "ID", "sample": 1}', "p.jsonl:16: missing field 'code'"),
        ('{"prog_syn_id": ', "p.jsonl:16: not JSON"),
    ],
)
def test_bad_predictions_name_the_line(allowed, mini, mini_file, tmp_path, line, told):
    file = write_rows(tmp_path / "p.jsonl", references(mini))
    with file.open("a") as stream:
        stream.write(line.replace("ID", mini.examples[0].prog_syn_id) + "\n")
    options = ["--arena", mini_file, "--out", tmp_path / "o"]
    fails("codeupdatearena", "evaluate", file, *options, told=[told])


def test_an_empty_prediction_file_scores_zero_and_runs_nothing(
    allowed, mini_file, tmp_path, capsys, caplog
):
    (tmp_path / "p.jsonl").write_text("")
    options = ["--arena", mini_file, "--full-report", "--out", tmp_path / "o", "--json"]
    command("codeupdatearena", "evaluate", tmp_path / "p.jsonl", *options)
    (values,) = json.loads(capsys.readouterr().out)["methods"].values()
    assert values["n_instances"] == values["n_empty"] == 15
    assert values["pass@1"] == values["UPass@1"] == values["accuracy_mean"] == 0.0
    assert "every example counts as unanswered" in caplog.text


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "p", "--arena", "a"],
        ["specificity", "--humaneval", "h"],
        ["synth", "update", "--model", "smollm2"],
    ],
)
def test_code_needs_permission(monkeypatch, tmp_path, words):
    monkeypatch.setenv("TENPAPERS_ALLOW_CODE", "")
    fails("codeupdatearena", *words, "--out", tmp_path, told=["--allow-code"])


def changed(mini_file, folder, *pairs):
    """An arena of the first example, with words replaced."""
    line = mini_file.read_text().splitlines()[0]
    for old, new in pairs:
        line = line.replace(old, new)
    return write_rows(folder / "a.jsonl", [json.loads(line)])


def test_a_function_that_is_gone_names_the_installed_version(mini_file, tmp_path):
    file = changed(mini_file, tmp_path, ("math", "numpy"), ("hypot", "alltrue"))
    told = ["numpy.alltrue", "numpy 2"]
    fails("codeupdatearena", "verify", file, "--out", tmp_path / "o", told=told)


def test_two_functions_in_one_test_are_told(mini_file, tmp_path):
    second = "def second():\\n    pass\\n"
    file = changed(mini_file, tmp_path, ('"unit_tests": ["', f'"unit_tests": ["{second}'))
    told = ["exactly one top-level function"]
    fails("codeupdatearena", "verify", file, "--out", tmp_path / "o", told=told)


def test_references_are_verified_and_made_literal(mini, mini_file, tmp_path, capsys):
    command("codeupdatearena", "verify", mini_file, "--limit", "3", "--out", tmp_path, "--json")
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["references"] == numbers["pass all tests with the update"] == 3
    assert numbers["self-dependent tests"] == 1
    outcomes = read_rows(tmp_path / "outcomes.jsonl")
    assert [o["prog_syn_id"] for o in outcomes] == [e.prog_syn_id for e in mini.examples[:3]]
    flags = json.loads((tmp_path / "flags.json").read_text())
    assert flags["heavy"] == flags["flaky"] == flags["version_broken"] == []
    out = tmp_path / "literal.jsonl"
    command("codeupdatearena", "literalize", mini_file, "--limit", "3", "--out", out)
    assert "     1 converted" in capsys.readouterr().out
    assert len(read_rows(out)) == 3
