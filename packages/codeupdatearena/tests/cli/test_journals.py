import json
import shutil

import pytest
from codeupdatearena.editing.edits import folder_name
from tenpapers.testing import (
    Journalled,
    chat_server,
    check_journal,
    command,
    fails,
    kill_process,
    read_rows,
    write_rows,
)

from ..conftest import references
from ..synth.script import Script

TASK = {
    "task_id": "t/0",
    "prompt": "def one():\n    '''Return 1.'''\n",
    "entry_point": "one",
    "test": "def check(f):\n    assert f() == 1",
}
FAST = ["-n", 2, "--max-tokens", 4]


@pytest.fixture(scope="module")
def files(mini, mini_file, tmp_path_factory):
    """An arena of one update, predictions, recorded models, two that are loaded, and edits."""
    folder = tmp_path_factory.mktemp("given")
    arena = [json.loads(line) for line in mini_file.read_text().splitlines()]
    first = arena[0]["update"]["update_id"]
    own = [row for row in arena if row["update"]["update_id"] == first]
    write_rows(folder / "arena.jsonl", own)
    write_rows(folder / "again.jsonl", own[::-1])
    names = [row["prog_syn_id"] for row in read_rows(folder / "arena.jsonl")]
    asked = [f"{name}#{sample}" for name in [*names, "|t/0"] for sample in (0, 1)]
    for model in ("one", "two"):
        said = f"[PYTHON]\ndef one():\n    return {1 + (model == 'two')}\n[/PYTHON]"
        write_rows(folder / f"{model}.jsonl", [{"id": name, "text": said} for name in asked])
    right = [row for row in references(mini) if row["prog_syn_id"] in names]
    write_rows(folder / "p.jsonl", right)
    write_rows(folder / "h.jsonl", [TASK])
    made = [{"example": row, "tests_pass": [True] * len(row["unit_tests"])} for row in own]
    write_rows(folder / "made.jsonl", made)
    (folder / "ids").write_text(f"{names[0]}\n{names[1]}\n")
    (folder / "flags.json").write_text('{"self_dependent": {}}')
    return folder


def runs(files):
    """Every command that writes row by row, without a model that has to be loaded."""
    arena = files / "arena.jsonl"
    one, two = (["--model", f"replay:{files / name}.jsonl"] for name in ("one", "two"))
    model = (two, f"model {two[1]} is not {one[1]} of then")
    return {
        "generate": Journalled(
            ["generate", arena, *FAST, *one],
            out="p.jsonl",
            others=[
                model,
                (["--temperature", 0], "temperature was 0.8 and is 0.0"),
                (["--method", "prepend"], 'method was "base" and is "prepend"'),
                (["--ids", files / "ids"], "1 inputs then, 2 now"),
                (["--limit", 1], "limit was null and is 1"),
            ],
            changed=arena,
            failed=None,
        ),
        "evaluate": Journalled(
            ["evaluate", files / "p.jsonl", "--arena", arena, "--allow-code", "--workers", 1],
            outputs=["reports.jsonl", "metrics.json"],
            ignored=["seconds", "sandbox"],
            others=[
                (["--require-isolation"], "require_isolation was false and is true"),
                (["--full-report"], "full_report was false and is true"),
                (["--flags", files / "flags.json"], "2 inputs then, 3 now"),
                (["--arena", files / "again.jsonl"], "arena.jsonl"),
                (["--timeout", 9], "timeout was 15.0 and is 9.0"),
            ],
            changed=files / "p.jsonl",
            failed=None,
            kills=2,
        ),
        "verify": Journalled(
            ["verify", arena, "--workers", 1],
            outputs=["outcomes.jsonl", "flags.json"],
            ignored=["sandbox"],
            others=[(["--timeout", 9], "timeout was 15.0 and is 9.0")],
            changed=arena,
            failed=None,
            kills=2,
        ),
        "specificity": Journalled(
            ["specificity", "--humaneval", files / "h.jsonl", "--allow-code", *FAST, *one],
            outputs=["humaneval.jsonl", "specificity.json"],
            others=[model, (["--top-p", 1], "top_p was 0.7 and is 1.0")],
            changed=files / "h.jsonl",
            failed=None,
            kills=2,
        ),
    }


@pytest.mark.parametrize("name", ["generate", "evaluate", "verify", "specificity"])
def test_a_command_keeps_the_promises_of_runs(files, tmp_path, name):
    check_journal("codeupdatearena", runs(files)[name], tmp_path)


@pytest.fixture(scope="module")
def models(tiny, tmp_path_factory):
    """The tiny model, and one of other weights."""
    from safetensors.torch import load_file, save_file

    other = tmp_path_factory.mktemp("models") / "other"
    shutil.copytree(tiny, other)
    weights = load_file(other / "model.safetensors")
    weights["model.norm.weight"] *= 1.5
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    return ["--model", f"hf:{tiny}"], ["--model", f"hf:{other}"]


@pytest.fixture(scope="module")
def edit(files, models):
    """Two edits of the tiny model."""
    one, two = models
    names = [row["prog_syn_id"] for row in read_rows(files / "arena.jsonl")][:2]
    return Journalled(
        ["edit", files / "arena.jsonl", "--arm", "ft-u", "--ids", files / "ids", *one],
        outputs=[
            "edits.jsonl",
            *(f"adapters/{folder_name(name)}/adapter_model.safetensors" for name in names),
        ],
        others=[
            (two, f"model {two[1]} is not {one[1]} of then"),
            (["--rank", 4], "rank was 8 and is 4"),
        ],
        changed=files / "ids",
        failed=None,
        kills=1,
    )


def test_edit_keeps_the_promises_of_runs(edit, tmp_path):
    check_journal("codeupdatearena", edit, tmp_path)


def test_generate_edited_keeps_the_promises_of_runs(edit, files, models, tmp_path):
    command("codeupdatearena", *edit.arguments, "--out", tmp_path / "edits")
    one, two = models
    asked = ["generate-edited", files / "arena.jsonl", "--adapters", tmp_path / "edits", *one]
    case = Journalled(
        [*asked, *FAST, "--no-cache"],
        out="e.jsonl",
        others=[
            (two, f"edits: its adapters belong to another model than {two[1]}"),
            (["--with-update"], "with_update was false and is true"),
        ],
        changed=tmp_path / "edits" / "edits.jsonl",
        failed=None,
        kills=1,
    )
    check_journal("codeupdatearena", case, tmp_path / "runs")
    tasks = ["--humaneval", files / "h.jsonl", "--out", tmp_path / "s", "--allow-code", *FAST]
    told = ["its adapters belong to another model"]
    fails(
        "codeupdatearena", "specificity", "--adapters", tmp_path / "edits", *two, *tasks, told=told
    )
    weights = next(tmp_path.glob("edits/adapters/*/adapter_model.safetensors"))
    weights.write_bytes(weights.read_bytes() + b" ")
    out = tmp_path / "runs" / "whole" / "e.jsonl"
    told = ["adapters edits has changed"]
    fails("codeupdatearena", *case.arguments, "--out", out, told=told)


def test_the_study_keeps_the_promises_of_runs(mini_file, models, tmp_path):
    two_updates = write_rows(tmp_path / "arena.jsonl", read_rows(mini_file)[:6])
    config = tmp_path / "study.yaml"
    config.write_text(
        f"arena: {two_updates}\nlearning_rates: [0.01]\nupdates: [2]\ninstances: 1\n"
        "arms: [base, ft-ps]\nsamples: 1\nmax_tokens: 4\n"
    )
    one, two = models
    case = Journalled(
        ["reproduce", "--config", config, *one],
        outputs=[
            "likelihood.jsonl",
            "ft-ps/edits.jsonl",
            "arms/base.jsonl",
            "arms/ft-ps.jsonl",
            "arms/reports.jsonl",
            "results.json",
        ],
        ignored=["seconds", "sandbox"],
        others=[(two, f"model {two[1]} is not {one[1]} of then")],
        failed=None,
        kills=1,
    )
    check_journal("codeupdatearena", case, tmp_path / "runs")
    write_rows(two_updates, read_rows(mini_file)[3:9])
    out = tmp_path / "runs" / "whole" / "run"
    fails("codeupdatearena", *case.arguments, "--out", out, told=["arena.jsonl has changed"])


@pytest.fixture
def shop(tmp_path):
    """A library of the user's own, with one function."""
    library = tmp_path / "lib"
    library.mkdir()
    source = "import math\n\n\ndef floor(x):\n    return math.floor(x)\n"
    (library / "corner_shop.py").write_text(source)
    return library


def invented(shop, address):
    """Words that let a server invent an update of the user's own function."""
    asked = ["--model", f"openai:m@{address}", "--path", shop, "--allow-code"]
    return ["--function", "corner_shop.floor", "--type", "add-argument", *asked], asked


def test_synth_keeps_the_promises_of_runs_with_a_library_of_ones_own(shop, tmp_path):
    with chat_server(Script(tests=2, module="corner_shop").answer) as address:
        words, asked = invented(shop, address)
        other = ["--model", f"openai:n@{address}"]
        update = Journalled(
            ["synth", "update", *words],
            outputs=["updates.jsonl", "responses.jsonl"],
            others=[
                (other, f"model {other[1]} is not openai:m@{address} of then"),
                (["--threshold", 0.9], "threshold was 0.7 and is 0.9"),
                (["-n", 2], "count was 1 and is 2"),
            ],
            changed=shop / "corner_shop.py",
            failed=None,
            kills=2,
        )
        check_journal("codeupdatearena", update, tmp_path / "updates")
        updates = tmp_path / "updates" / "whole" / "run" / "updates.jsonl"
        (made,) = read_rows(updates)
        assert made["tests_pass"] == [True, True]
        problems = Journalled(
            ["synth", "prog-syn", updates, "-n", 2, *asked],
            outputs=["prog_syn.jsonl", "prog_syn.responses.jsonl"],
            others=[
                (other, f"model {other[1]} is not openai:m@{address} of then"),
                (["-n", 3], "count was 2 and is 3"),
            ],
            changed=updates,
            failed=None,
            kills=2,
        )
        check_journal("codeupdatearena", problems, tmp_path / "problems")
        assert len(read_rows(tmp_path / "problems/whole/run/prog_syn.jsonl")) == 2


def test_a_response_that_failed_ends_synth_and_only_it_is_asked_again(shop, tmp_path):
    script, asked = Script(tests=2, module="corner_shop"), []

    def answer(user):
        asked.append(user)
        return None if len(asked) == 4 else script.answer(user)

    with chat_server(answer) as address:
        words = ["synth", "update", *invented(shop, address)[0], "--out", tmp_path / "out"]
        told = ["synth: answer: ", "what was answered is kept"]
        fails("codeupdatearena", *words, told=told)
        assert len(asked) == 4 and len(read_rows(tmp_path / "out/responses.jsonl")) == 3
        command("codeupdatearena", *words)
    assert asked[4] == asked[3] and len(set(asked)) == len(asked) - 1
    assert len(read_rows(tmp_path / "out/updates.jsonl")) == 1


def test_requests_that_failed_are_counted_and_asked_by_the_next_run(files, tmp_path, capsys):
    asked, healthy = [], []

    def answer(prompt):
        asked.append(prompt)
        return "x" if healthy or prompt != asked[0] else None

    with chat_server(answer) as address:
        words = ["generate", files / "arena.jsonl", "-n", 1, "--no-cache"]
        words += ["--model", f"openai:m@{address}", "--out", tmp_path / "p.jsonl"]
        command("codeupdatearena", *words, code=3)
        told = capsys.readouterr().out
        kept = read_rows(tmp_path / "p.jsonl")
        healthy.append(True)
        command("codeupdatearena", *words)
    assert "(1 of 3 requests failed" in told and len(kept) == 2
    assert len(read_rows(tmp_path / "p.jsonl")) == 3


def test_a_killed_process_goes_on(files, tmp_path):
    arguments = [*runs(files)["evaluate"].arguments, "--out", tmp_path]
    file = tmp_path / "reports.jsonl"
    kill_process("codeupdatearena", *arguments, file=file, lines=1)
    before = read_rows(file)
    command("codeupdatearena", *arguments)
    after = read_rows(file)
    assert 0 < len(before) < 3 and len(after) == 3 and all(row in after for row in before)


def test_metrics_are_counted_anew_without_running_anything_again(files, tmp_path):
    arguments = [*runs(files)["evaluate"].arguments, "--out", tmp_path]
    command("codeupdatearena", *arguments)
    before = (tmp_path / "reports.jsonl").stat().st_mtime_ns
    command("codeupdatearena", *arguments, "--exclude-known", "--seed", 7)
    assert (tmp_path / "reports.jsonl").stat().st_mtime_ns == before


def test_evaluate_and_specificity_share_a_folder_and_spare_each_other(files, tmp_path):
    cases = runs(files)
    for name in ("evaluate", "specificity", "evaluate"):
        command("codeupdatearena", *cases[name].arguments, "--out", tmp_path, "--overwrite")
    names = {path.name for path in tmp_path.glob("[!.]*")}
    assert names >= {"reports.jsonl", "metrics.json", "specificity.json", "humaneval.jsonl"}


def test_files_of_before_there_were_journals_are_refused_in_one_line(files, tmp_path):
    write_rows(tmp_path / "reports.jsonl", [{"prog_syn_id": "x"}])
    arguments = [*runs(files)["evaluate"].arguments, "--out", tmp_path]
    for more in ([], ["--overwrite"]):
        told = ["reports.jsonl: was not made by this run"]
        fails("codeupdatearena", *arguments, *more, told=told)
    assert read_rows(tmp_path / "reports.jsonl") == [{"prog_syn_id": "x"}]


# Commands that write in one go: their words, and the files they make.
ONE_GO = {
    "data import": (["arena.jsonl"], ["a.jsonl"]),
    "data stats": (["arena.jsonl"], ["updates.png"]),
    "render": (["arena.jsonl"], ["prompts.jsonl"]),
    "literalize": (["arena.jsonl", "--workers", 1, "--limit", 1], ["literal.jsonl"]),
    "synth dedup": (["made.jsonl", "--threshold", 1], ["distinct.jsonl"]),
    "synth finalize": (["arena.jsonl"], ["final.jsonl"]),
    "report": (["evaluated"], ["report.md", "table.csv", "results.json", "manifest.json"]),
}


@pytest.mark.parametrize("name", ONE_GO)
def test_what_is_written_in_one_go_is_written_anew_but_never_over_other_files(
    files, tmp_path, monkeypatch, name
):
    monkeypatch.chdir(files)
    if not (files / "evaluated").exists():
        command("codeupdatearena", *runs(files)["evaluate"].arguments, "--out", "evaluated")
    words, made = ONE_GO[name]
    one_file = made[0] if name not in ("data stats", "report") else ""
    for _ in range(2):
        command("codeupdatearena", *name.split(), *words, "--out", tmp_path / "run" / one_file)
    assert all((tmp_path / "run" / file).stat().st_size for file in made)
    for file in made:
        mine = tmp_path / file / file
        mine.parent.mkdir()
        mine.write_text("mine")
        out = mine if one_file else mine.parent
        told = [f"{file}: was not made by this run"]
        fails("codeupdatearena", *name.split(), *words, "--out", out, told=told)
        assert mine.read_text() == "mine"
    if one_file:
        told = [f"{words[0]}: is an input of this run"]
        fails("codeupdatearena", *name.split(), *words, "--out", words[0], told=told)
