import re

import pytest
from tenpapers.records import read_json
from tenpapers.testing import command, fails, imports_of_help, write_rows

from ..conftest import references

COMMANDS = [
    "",
    "data",
    "data import",
    "data stats",
    "data show",
    "verify",
    "literalize",
    "render",
    "generate",
    "edit",
    "generate-edited",
    "evaluate",
    "specificity",
    "report",
    "reproduce",
    "synth",
    "synth update",
    "synth prog-syn",
    "synth dedup",
    "synth finalize",
]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_explains_itself(words, capsys):
    command("codeupdatearena", *words.split(), "--help")
    usage = capsys.readouterr().out.splitlines()[0]
    assert usage.startswith("Usage: ") and f"{words} [OPTIONS]" in usage


def test_help_loads_no_model_library():
    loaded = imports_of_help("codeupdatearena", "evaluate")
    assert not loaded & {"torch", "transformers", "peft", "numpy", "pandas", "datasets"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["evaluate", "P", "--arena", "nowhere.jsonl", "--out", "O"], ["nowhere.jsonl: no such"]),
        (["evaluate", "nowhere", "--arena", "A", "--out", "O"], ["nowhere: no such file"]),
        (
            ["evaluate", "P", "--arena", "A", "--out", "O", "-k", "10"],
            ["pass@10 needs at least 10 samples"],
        ),
        (
            ["evaluate", "P", "--arena", "A", "--out", "O", "--criterion", "x"],
            ["'official', 'strict', 'called'"],
        ),
        (["evaluate", "P", "--arena", "A", "--out", "O", "--flags", "P"], ["p.jsonl"]),
        (["generate", "A", "--method", "magic", "--out", "O"], ["'magic'", "'base', 'prepend'"]),
        (["generate", "A", "--model", "gpt", "--out", "O"], ["unknown model 'gpt'"]),
        (["generate", "A", "--model", "hf:/nothing", "--out", "O"], ["no such folder"]),
        (["edit", "A", "--arm", "rome", "--out", "O"], ["'ft-u', 'ft-ps', 'ft-ups'"]),
        (["edit", "A", "--out", "O"], ["arm is missing"]),
        (
            ["edit", "A", "--arm", "ft-u", "--adapter", "dora", "--out", "O"],
            ["'lora', 'none'"],
        ),
        (
            ["edit", "A", "--arm", "ft-u", "--model", "TINY", "--targets", "w_q", "--out", "O"],
            ["no w_q to adapt", "q_proj"],
        ),
        (["generate-edited", "A", "--adapters", "O", "--out", "O/p"], ["edits.jsonl: no such"]),
        (["verify", "A", "--profile", "old", "--out", "O"], ["'current', 'paper'"]),
        (["data", "show", "x", "--arena", "A"], ["no update and no example x"]),
        (["render", "A", "--ids", "IDS", "--out", "O"], ["ids.txt:2: unknown id nothing"]),
        (["report", "nowhere", "--out", "O"], ["nowhere: no such run folder"]),
        (["reproduce", "--scale", "huge", "--out", "O"], ["'cpu', 'paper'"]),
        (["reproduce", "--config", "YAML", "--out", "O"], ["c.yaml: arms.0: ", "'base'"]),
        (["synth", "update", "--function", "math.sin", "--out", "O"], ["model is missing"]),
        (
            ["synth", "update", "--model", "smollm2", "--function", "math.gone", "--out", "O"],
            ["math", "has no 'gone'"],
        ),
    ],
)
def test_bad_input_is_one_line(allowed, mini, mini_file, tiny, tmp_path, arguments, told):
    first = mini.examples[0].prog_syn_id
    (tmp_path / "ids.txt").write_text(f"{first}\nnothing\n")
    (tmp_path / "c.yaml").write_text("arms: [rome]\n")
    places = {
        "A": mini_file,
        "P": write_rows(tmp_path / "p.jsonl", references(mini)),
        "O": tmp_path / "out",
        "O/p": tmp_path / "out" / "p.jsonl",
        "IDS": tmp_path / "ids.txt",
        "YAML": tmp_path / "c.yaml",
        "TINY": f"hf:{tiny}",
    }
    fails("codeupdatearena", *[places.get(word, word) for word in arguments], told=told)


def test_a_mistake_ends_the_process_with_one_line_and_exit_code_2(cli, tmp_path):
    done = cli("report", "nowhere", "--out", tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "error: nowhere: no such run folder"
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_one_line(cli, mini, mini_file, tmp_path):
    predictions, out = write_rows(tmp_path / "p.jsonl", references(mini)), tmp_path / "out"
    out.mkdir()
    (out / "reports.jsonl").symlink_to("/dev/full")
    options = ["--arena", mini_file, "--out", out, "--overwrite", "--allow-code"]
    assert cli("evaluate", predictions, *options).returncode in (0, 2)
    done = cli("data", "import", mini_file, "--out", "/dev/full/arena.jsonl")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith("error: ") and "/dev/full" in line


def test_reproduce_in_small(mini_file, tiny, tmp_path, capsys):
    """The same stages on the bundled arena; the real one is `make reproduce-codeupdatearena`."""
    (tmp_path / "c.yaml").write_text(
        f"model: hf:{tiny}\narena: {mini_file}\nlearning_rates: [0.01]\nupdates: [2]\n"
        "instances: 1\nsamples: 1\nmax_tokens: 16\narms: [base, ft-ps]\n"
    )
    out = tmp_path / "out"
    options = ["--config", tmp_path / "c.yaml", "--out", out]
    command("codeupdatearena", "reproduce", *options)
    shown = capsys.readouterr().out
    assert re.search(r"n = 2 at lr 0\.01", shown) and "call_nll.png" in shown
    assert "FT(PS)" in shown and "the paper's claims neither show nor fail" in shown
    for name in ("report.md", "table.csv", "results.json", "manifest.json", "call_nll.png"):
        assert (out / name).stat().st_size > 0
    claims = {claim["id"]: claim for claim in read_json(out / "results.json")["claims"]}
    assert claims["prepending-falls-short"]["verdict"] == "not testable here"
    assert len(claims) == 7 and all(claim["evidence"] for claim in claims.values())
    measured = (out / "likelihood.jsonl").read_bytes()
    # A second run, with the settings as the manifest kept them, measures nothing again.
    command("codeupdatearena", "reproduce", "--config", out / "manifest.json", "--out", out)
    assert (out / "likelihood.jsonl").read_bytes() == measured
    fails("codeupdatearena", "reproduce", *options, "--seed", "1", told=["seed was 42 and is 1"])
