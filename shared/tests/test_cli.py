import subprocess
import sys
from dataclasses import dataclass

import pytest
from tenpapers.cli import load_config, require_code_permission
from tenpapers.errors import UserError

APP = """
import sys
from pathlib import Path
from tenpapers.cli import UserError, make_app, run
app = make_app("A tool.")

@app.command()
def fail(kind: str) -> None:
    if kind == "user":
        raise UserError("file.jsonl:3: name:\\n missing", "add it")
    if kind == "disk":
        Path("/dev/full").write_text("x")
    if kind == "bug":
        raise ValueError("inside")
    if kind == "stop":
        raise KeyboardInterrupt
    print("fine")

run(app)
"""


def call(*arguments):
    return subprocess.run(
        [sys.executable, "-c", APP, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("kind", "code", "told"),
    [
        ("user", 2, "error: file.jsonl:3: name: missing; add it\n"),
        ("disk", 2, "error: No space left on device\n"),
        ("stop", 130, "interrupted; run the same command again to go on\n"),
        ("none", 0, ""),
    ],
)
def test_exit_codes_and_one_line(kind, code, told):
    done = call("fail", kind)
    # click ends the line of an interrupted prompt first
    assert (done.returncode, done.stderr.lstrip()) == (code, told)


def test_a_bug_keeps_its_traceback():
    done = call("fail", "bug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "ValueError: inside" in done.stderr


def test_debug_shows_the_traceback_of_a_user_error():
    assert "Traceback" in call("--debug", "fail", "user").stderr


def test_unknown_command_and_option_are_one_line():
    for arguments in (("nothing",), ("fail", "none", "--what")):
        done = call(*arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("error: No such ")
        assert done.stderr.count("\n") == 1


@dataclass(frozen=True)
class Settings:
    rate: float = 0.1
    name: str = "a"


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("rate: 0.5\nname: b\n")
    assert load_config(Settings, file, name="c", rate=None) == Settings(0.5, "c")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rate: fast", "rate: Input should be a valid number"),
        ("speed: 1", "speed: unknown setting; one of rate, name"),
        ("- 1", "a config is a mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_a_wrong_config_names_file_and_field(tmp_path, text, told):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        load_config(Settings, file)
    assert str(error.value).startswith(f"{file}: ")
    assert told in str(error.value)


def test_code_runs_only_with_permission(monkeypatch):
    monkeypatch.delenv("TENPAPERS_ALLOW_CODE", raising=False)
    with pytest.raises(UserError, match="--allow-code"):
        require_code_permission(False)
    require_code_permission(True)
    monkeypatch.setenv("TENPAPERS_ALLOW_CODE", "1")
    require_code_permission(False)
