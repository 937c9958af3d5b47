import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tenpapers.cli import Model, comma_separated, make_app, require_code_permission, run, say
from tenpapers.errors import UserError
from tenpapers.generation import Request, open_generator
from tenpapers.report import Table
from tenpapers.testing import chat_server

app = make_app("A tool.")


@app.command()
def fail(kind: str) -> None:
    if kind == "user":
        raise UserError("file.jsonl:3: name:\n missing", "add it")
    if kind == "unusable":
        error = UserError("no verdict on 2 programs")
        error.exit_code = 3
        raise error
    if kind == "disk":
        Path("/dev/full").write_text("x")
    if kind == "folder":
        Path("/no/such/folder/file").write_text("x")
    if kind == "bug":
        raise ValueError("inside")
    if kind == "stop":
        raise KeyboardInterrupt
    print("fine")


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the tool with arguments; gives exit code, output and errors."""

    def run_tool(*arguments):
        monkeypatch.setattr(sys, "argv", ["tool", *arguments])
        with pytest.raises(SystemExit) as ended:
            run(app)
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return run_tool


@pytest.mark.parametrize(
    ("kind", "code", "told"),
    [
        ("user", 2, "error: file.jsonl:3: name: missing; add it\n"),
        ("unusable", 3, "error: no verdict on 2 programs\n"),
        ("disk", 2, "error: No space left on device\n"),
        ("folder", 2, "error: /no/such/folder/file: No such file or directory\n"),
        ("stop", 130, "interrupted; run the same command again to go on\n"),
        ("none", 0, ""),
    ],
)
def test_exit_codes_and_one_line(call, kind, code, told):
    ended, _, errors = call("fail", kind)
    # click ends the line of an interrupted prompt first
    assert (ended, errors.lstrip()) == (code, told)


def test_a_bug_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tool", "fail", "bug"])
    with pytest.raises(ValueError, match="inside"):
        run(app)


def test_debug_keeps_the_traceback_of_a_user_error(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tool", "--debug", "fail", "user"])
    with pytest.raises(UserError):
        run(app)


@pytest.mark.parametrize("arguments", [("nothing",), ("fail", "none", "--what")])
def test_unknown_command_and_option_are_one_line(call, arguments):
    code, _, errors = call(*arguments)
    assert code == 2 and errors.startswith("error: No such ") and errors.count("\n") == 1


def test_a_process_of_its_own_ends_like_this_too():
    """A bug with Python's traceback, an interruption by a signal, a reader that has enough."""
    path = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    added = "app.command('more')(lambda: (print('x' * 10**6, flush=True), time.sleep(60)))"
    start = f"{path}import time; from test_cli import *\n{added}\nrun(app)"
    bug, stopped, piped = (
        subprocess.Popen(
            [sys.executable, "-c", start, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for arguments in (("fail", "bug"), ("more",), ("more",))
    )
    piped.stdout.read(3)
    piped.stdout.close()
    assert piped.stderr.read() == "" and piped.wait(60) == 141
    stopped.stdout.readline()
    os.kill(stopped.pid, signal.SIGINT)
    assert "interrupted; run" in stopped.communicate(timeout=60)[1] and stopped.returncode == 130
    assert "ValueError: inside" in bug.communicate(timeout=60)[1] and bug.returncode == 1


@pytest.mark.parametrize("lines", [1, 100_000])  # lines that wait in a buffer; lines that do not
def test_a_reader_who_leaves_is_no_failure(lines):
    program = (
        "from tenpapers.cli import make_app, run\n"
        "app = make_app('A tool.')\n"
        "@app.command()\n"
        "def count(n: int):\n"
        "    print(*range(n), sep='\\n')\n"
        "@app.command()\n"
        "def other(): ...\n"
        "run(app)\n"
    )
    reader, writer = os.pipe()
    command = [sys.executable, "-c", program, "count", str(lines)]
    process = subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    os.close(reader)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (141, b"")


def test_threads_that_wait_sleep_unless_the_user_says_otherwise(call, monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    call("nothing")
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    call("nothing")
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_code_runs_only_with_permission(monkeypatch):
    monkeypatch.delenv("TENPAPERS_ALLOW_CODE", raising=False)
    with pytest.raises(UserError, match="--allow-code"):
        require_code_permission(False)
    require_code_permission(True)
    monkeypatch.setenv("TENPAPERS_ALLOW_CODE", "1")
    require_code_permission(False)


@pytest.mark.parametrize(
    ("text", "names"),
    [("a,b", ["a", "b"]), (" a , b c ,", ["a", "b c"]), (",", []), ("", []), (None, [])],
)
def test_names_with_commas_between_them(text, names):
    assert comma_separated(text) == names


def test_a_result_is_said_as_text_and_tables_or_as_json_alone(capsys):
    table = Table("T", ["a"], [[0.25]])
    say({"a": "ä"}, False, "words", table, "", "end")
    assert capsys.readouterr().out == "words\n\nT\na\n-----\n0.250\n\nend\n"
    say({"a": "ä"}, True, "words", table)
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"a": "ä"} and "ä" in shown


def test_chatty_libraries_are_quiet(call, caplog):
    """No line for each request to a server."""
    call("fail", "none")
    caplog.set_level(logging.INFO)
    with (
        chat_server(lambda asked: "yes") as address,
        open_generator(f"openai:m@{address}", cache=False) as generator,
    ):
        assert generator.generate([Request(id="a", prompt="x")])[0].text == "yes"
    chatty = logging.getLogger("bm25s")
    chatty.setLevel(logging.DEBUG)  # what importing it does
    chatty.debug("Building index")
    chatty.warning("an odd index")
    assert [record.getMessage() for record in caplog.records] == ["an odd index"]


def test_without_a_command_the_help_is_shown_as_it_is(call):
    code, _, errors = call()
    assert code == 2
    assert errors.startswith("Usage: ") and "\nOptions:\n" in errors


def test_commands_that_ask_a_model_have_patience(monkeypatch):
    from typer.testing import CliRunner

    tool, inner = make_app("A tool."), typer.Typer()

    @inner.command()
    @tool.command()
    def ask(model: Model = "smollm2") -> None:
        print(model, os.environ["TENPAPERS_PATIENCE"])

    @tool.command()
    def count() -> None:
        """Ask nobody."""

    tool.add_typer(inner, name="group")
    monkeypatch.setenv("TENPAPERS_PATIENCE", "300")
    for command in (["ask"], ["group", "ask"]):
        done = CliRunner().invoke(tool, [*command, "--patience", "7.5"])
        assert done.output == "smollm2 7.5\n"
    assert CliRunner().invoke(tool, ["ask", "--patience", "-1"]).exit_code == 2
    assert CliRunner().invoke(tool, ["count", "--patience", "1"]).exit_code == 2
