import json

import pytest
from tenpapers.testing import command, fails, read_rows, write_rows


@pytest.fixture(scope="module")
def files(mini, mini_file, tiny, tmp_path_factory):
    """Every step from prompts to report, on each other's files, with the embedded model."""
    folder = tmp_path_factory.mktemp("edited")
    (folder / "ids").write_text(mini.examples[3].prog_syn_id + "\n")
    task = {
        "task_id": "t/0",
        "prompt": "def one():\n    '''Return 1.'''\n",
        "entry_point": "one",
        "test": "def check(f):\n    assert f() == 1",
    }
    write_rows(folder / "h.jsonl", [task])
    ids, fast = ["--ids", folder / "ids"], ["-n", "1", "--max-tokens", "8"]
    random = ["--arm", "ft-u", "--random", "--model", f"hf:{tiny}"]
    arena, allow = ["--arena", mini_file, *ids], "--allow-code"
    steps = [
        ["generate", mini_file, "--method", "prepend", *ids, *fast, "--out", folder / "p.jsonl"],
        ["edit", mini_file, "--arm", "ft-u", *ids, "--out", folder / "ft-u"],
        ["edit", mini_file, *random, *ids, "--out", folder / "random"],
        [
            "generate-edited",
            mini_file,
            "--adapters",
            folder / "ft-u",
            *fast,
            "--out",
            folder / "e.jsonl",
        ],
        ["evaluate", folder / "p.jsonl", *arena, "--out", folder / "P", allow],
        ["evaluate", folder / "e.jsonl", *arena, "--out", folder / "E", allow],
        [
            "specificity",
            "--adapters",
            folder / "ft-u",
            "--humaneval",
            folder / "h.jsonl",
            *fast,
            "--out",
            folder / "E",
            allow,
        ],
        ["report", folder / "P", folder / "E", "--out", folder / "R"],
    ]
    for step in steps:
        command("codeupdatearena", *step)
    return folder


def test_an_edit_is_kept_with_its_losses_and_source(files, mini):
    (edit,) = read_rows(files / "ft-u/edits.jsonl")
    assert len(edit["losses"]) == 10 and edit["source"] == mini.examples[3].update.update_id
    key = json.loads((files / "ft-u/journal.jsonl").read_text().splitlines()[0])["key"]
    assert key.pop("model")["name"] == "smollm2"
    assert key == {
        "command": "codeupdatearena edit",
        "rank": 8,
        "alpha": 1,
        "dropout": 0.1,
        "targets": "q_proj,v_proj",
        "learning_rate": 1e-3,
        "weight_decay": 1e-8,
        "epochs_times_texts": 10,
        "batch_size": 8,
        "seed": 42,
        "adapter": "lora",
        "arm": "ft-u",
        "random": False,
        "random_map": None,
        "demo": None,
        "prompts": None,
        "arena": None,
        "limit": None,
    }


def test_a_random_edit_trains_on_another_update(files):
    (edit,), (random,) = (read_rows(files / f"{arm}/edits.jsonl") for arm in ("ft-u", "random"))
    assert random["drawn"] and random["source"] != edit["source"]


def test_an_edited_model_answers_under_the_name_of_its_arm(files):
    (row,) = read_rows(files / "e.jsonl")
    assert (row["method"], row["sample"]) == ("ft-u", 0)


def test_the_report_has_all_runs_and_the_papers_number(files):
    text = (files / "R/report.md").read_text()
    assert "| prepend | 1 |" in text and "| ft-u | 1 |" in text and "46.8" in text
    assert (files / "R/upass_by_type.png").stat().st_size > 5000


def test_a_second_run_makes_nothing_new(files, mini_file, capsys):
    options = ["--arm", "ft-u", "--ids", files / "ids", "--out", files / "ft-u"]
    command("codeupdatearena", "edit", mini_file, *options)
    assert "1 edits" in capsys.readouterr().out
    assert len(read_rows(files / "ft-u/edits.jsonl")) == 1
    fails(
        "codeupdatearena", "edit", mini_file, *options, "--rank", "4", told=["rank was 8 and is 4"]
    )


def test_recorded_responses_are_evaluated_without_a_model(
    allowed, mini, mini_file, tmp_path, capsys
):
    recorded = [
        {
            "id": f"{example.prog_syn_id}#0",
            "text": f"Here:\n[PYTHON]\n{example.ref_solution}\n[/PYTHON]",
        }
        for example in mini.examples
    ]
    file = write_rows(tmp_path / "r.jsonl", recorded)
    replayed = ["generate", mini_file, "--model", f"replay:{file}", "-n", "1", "--out"]
    command("codeupdatearena", *replayed, tmp_path / "p.jsonl")
    options = ["--arena", mini_file, "--out", tmp_path / "o", "--json"]
    capsys.readouterr()
    command("codeupdatearena", "evaluate", tmp_path / "p.jsonl", *options)
    methods = json.loads(capsys.readouterr().out)["methods"]
    assert methods["base"]["UPass@1"] == 100.0
    # One that was not recorded is named; the others are kept.
    write_rows(file, recorded[1:])
    command("codeupdatearena", *replayed, tmp_path / "q.jsonl", code=3)
    assert "not recorded (1 of 15 requests failed" in capsys.readouterr().out
    assert len(read_rows(tmp_path / "q.jsonl")) == 14


def test_prompts_are_written_for_a_model_of_ones_own(mini, mini_file, tmp_path):
    out = tmp_path / "prompts.jsonl"
    command("codeupdatearena", "render", mini_file, "--method", "prepend", "--out", out)
    rows = read_rows(out)
    assert [row["prog_syn_id"] for row in rows] == [e.prog_syn_id for e in mini.examples]
    assert all("[DOC]" in row["prompt"] for row in rows)
