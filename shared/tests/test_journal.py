import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tenpapers.errors import UserError
from tenpapers.journal import Journal, files_of, key_of, known_by


@dataclass
class Item:
    id: str


ITEMS = [Item(f"i{n}") for n in range(4)]


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_second_run_asks_only_what_is_missing_or_failed(tmp_path):
    with (
        Journal(tmp_path, key={"seed": 1}) as journal,
        journal.rows("out.jsonl") as rows,
    ):
        assert rows.missing(ITEMS) == ITEMS
        rows.write({"id": "i0", "text": "a"}, {"id": "i1", "error": "busy"})
    with Journal(tmp_path, key={"seed": 1}) as journal:
        rows = journal.rows("out.jsonl")
        assert rows.n_failed == 1
        assert [item.id for item in rows.missing(ITEMS)] == ["i1", "i2", "i3"]
        rows.write({"id": "i3", "text": "d"}, {"id": "i1", "text": "b"}, {"id": "i2", "text": "c"})
        rows.close(order=[item.id for item in ITEMS])
    assert [row["text"] for row in lines(tmp_path / "out.jsonl")] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("key", "content", "told"),
    [
        ({"seed": 2, "lr": 0.4}, "x", "seed was 1 and is 2"),
        ({"seed": 1}, "x", "lr was 0.4 and is null"),
        ({"seed": 1, "lr": 0.4}, "y", "input data.txt has changed"),
    ],
)
def test_other_settings_or_inputs_are_refused_by_name(tmp_path, key, content, told):
    data = tmp_path / "data.txt"
    data.write_text("x")
    out = tmp_path / "run"
    with Journal(out, key={"seed": 1, "lr": 0.4}, inputs=[data]) as journal:
        journal.file("result").write_text("r")
    data.write_text(content)
    with pytest.raises(UserError) as caught:
        Journal(out, key=key, inputs=[data])
    assert told in str(caught.value) and "--overwrite" in str(caught.value)
    Journal(out, key=key, inputs=[data], overwrite=True).close()  # and the lock was let go


def test_a_run_that_made_nothing_is_in_nobodys_way(tmp_path):
    Journal(tmp_path, key={"heads": 300}).close()  # then the settings turn out to be a mistake
    with Journal(tmp_path, key={"heads": 3}) as journal:
        journal.file("results.json").write_text("{}")
    with pytest.raises(UserError, match="heads was 3 and is 4"):
        Journal(tmp_path, key={"heads": 4})


def test_an_input_is_what_it_contains_not_where_it_lies(tmp_path):
    first, second = tmp_path / "a" / "data.txt", tmp_path / "b" / "renamed.txt"
    for file in (first, second):
        file.parent.mkdir()
        file.write_text("same")
    Journal(tmp_path / "run", key={}, inputs=[first]).close()
    Journal(tmp_path / "run", key={}, inputs=[second]).close()


@pytest.mark.parametrize("left", ["nothing", "an empty file", "a row", "a user's file"])
def test_a_run_that_ended_before_its_first_row_binds_nobody(tmp_path, left):
    if left == "a user's file":
        (tmp_path / "out.jsonl").write_text("mine")
    with Journal(tmp_path, key={"k": 1}) as journal:
        if left == "a row":
            journal.rows("out.jsonl").write({"id": "i0"})
        elif left == "an empty file":
            journal.rows("out.jsonl").close()
    if left == "a row":
        with pytest.raises(UserError, match="k was 1 and is 2"):
            Journal(tmp_path, key={"k": 2})
        return
    Journal(tmp_path, key={"k": 2}).close()
    Journal(tmp_path, key={"k": 2}).close()
    assert (tmp_path / "out.jsonl").exists() == (left == "a user's file")


def test_a_model_is_known_by_its_content_and_named_where_it_differs(tmp_path):
    def opened(name, content):
        return Journal(tmp_path, key={"seed": 1, "model": known_by(name, content)})

    with opened("hf:./one", "aa") as journal:
        journal.file("result").write_text("r")
    opened("hf:/elsewhere/one", "aa").close()
    with pytest.raises(UserError, match=r"settings: model hf:\./one has changed;"):
        opened("hf:./one", "bb")
    with pytest.raises(UserError, match=r"settings: model hf:\./two is not hf:\./one of then"):
        opened("hf:./two", "bb")


def test_a_row_that_was_asked_again_stands_in_the_file_once(tmp_path):
    for text in ("first", "second"):
        with Journal(tmp_path, key={}) as journal, journal.rows("out.jsonl") as rows:
            rows.write({"id": "i0", "text": text}, {"id": "i1"})
    assert lines(tmp_path / "out.jsonl") == [{"id": "i0", "text": "second"}, {"id": "i1"}]


def test_rows_stand_in_the_order_of_the_question_and_none_is_lost(tmp_path):
    with Journal(tmp_path, key={}) as journal, journal.rows("out.jsonl") as rows:
        rows.write({"id": "c"}, {"id": "a", "n": 1}, {"id": "b"}, {"id": "a", "n": 2})
        rows.close(order=["a", "b"])
    assert lines(tmp_path / "out.jsonl") == [{"id": "a", "n": 2}, {"id": "b"}, {"id": "c"}]


def test_what_is_made_in_one_go_is_made_anew_but_not_over_that_of_others(tmp_path):
    out, data = tmp_path / "table.csv", tmp_path / "data.txt"
    data.write_text("mine")
    for text in ("first", "second"):
        with Journal.once(out, command="show", inputs=[data]) as journal:
            journal.file(out.name).write_text(text)
    assert out.read_text() == "second"
    with pytest.raises(UserError, match='command was "show" and is "count"'):
        Journal.once(out, command="count")
    with (
        Journal.once(data, command="show", inputs=[data]) as journal,
        pytest.raises(UserError, match=r"data\.txt: is an input of this run"),
    ):
        journal.file(data.name)
    with (
        Journal.once(data, command="show") as journal,
        pytest.raises(UserError, match=r"data\.txt: was not made by this run"),
    ):
        journal.file(data.name)
    assert data.read_text() == "mine"


@pytest.mark.parametrize("text", ["my own notes", '{"time": 1}\n{"time": 2}'])
def test_a_users_file_that_is_called_journal_is_left_as_it_is(tmp_path, text):
    (tmp_path / "journal.jsonl").write_text(text)
    for overwrite in (False, True):
        with pytest.raises(UserError, match=r"journal\.jsonl: is no journal of ours"):
            Journal(tmp_path, key={}, overwrite=overwrite)
    assert (tmp_path / "journal.jsonl").read_text() == text


@pytest.mark.parametrize("length", [0, 5, 40])
def test_a_kill_in_the_first_line_leaves_nothing_behind(tmp_path, length):
    Journal(tmp_path, key={"seed": 1}).close()
    log = tmp_path / "journal.jsonl"
    log.write_text(log.read_text()[:length])
    Journal(tmp_path, key={"seed": 2}).close()


def test_of_a_folder_every_file_is_an_input_and_none_is_left_out(tmp_path):
    prompts = tmp_path / "prompts"
    (prompts / "part").mkdir(parents=True)
    (prompts / "part" / "ask.jinja").write_text("ask")
    with Journal(tmp_path / "run", key={}, inputs=[None, prompts]) as journal:
        journal.workspace("state").mkdir()
    (prompts / ".hidden").write_text("does not count")
    (prompts / "journal.jsonl").write_text("nor does that of a fetch")
    (prompts / "part" / "ask.jinja.journal").write_text("nor that of the command of one file")
    Journal(tmp_path / "run", key={}, inputs=[prompts]).close()
    (prompts / "part" / "ask.jinja").write_text("ask again")
    with pytest.raises(UserError, match=r"input part/ask\.jinja has changed"):
        Journal(tmp_path / "run", key={}, inputs=[prompts])


def test_what_a_run_writes_into_a_folder_that_it_reads_is_no_input(tmp_path):
    (tmp_path / "data.jsonl").write_text("1")
    for _ in range(2):
        with Journal(tmp_path, key={}, inputs=[tmp_path]) as journal:
            journal.file("report.md").write_text("made")
    (tmp_path / "data.jsonl").write_text("2")
    with pytest.raises(UserError, match=r"input data\.jsonl has changed"):
        Journal(tmp_path, key={}, inputs=[tmp_path])


def test_the_key_of_a_command_has_its_settings_without_files_and_haste():
    @dataclass(frozen=True)
    class Settings:
        model: str = "smollm2"
        seed: int = 4
        workers: int = 2
        data: Path | None = Path("own.jsonl")
        prompts: Path | None = None
        more: list[Path] = field(default_factory=lambda: [Path("a"), Path("b")])

    found = key_of("cfr run", Settings(), model=known_by("smollm2", "aa"))
    assert found == {
        "command": "cfr run",
        "model": known_by("smollm2", "aa"),
        "seed": 4,
        "prompts": None,
    }
    assert files_of(Settings()) == [Path("own.jsonl"), Path("a"), Path("b")]


def test_what_is_written_at_the_end_is_claimed_before_the_work(tmp_path):
    (tmp_path / "report.md").write_text("mine")
    with (
        Journal(tmp_path, key={}) as journal,
        pytest.raises(UserError, match=r"report\.md: was not made by this run"),
    ):
        journal.claim("results.json", "report.md")


def test_overwrite_removes_what_was_made_and_nothing_else(tmp_path):
    with Journal(tmp_path, key={"seed": 1}) as journal:
        journal.file("part/result.json").write_text("{}")
        with journal.folder("model") as folder:
            (folder / "weights.bin").write_text("w")
    mine = [tmp_path / "notes.txt", tmp_path / "model" / "mine.txt"]
    for file in mine:
        file.write_text("mine")
    with Journal(tmp_path, key={"seed": 2}, overwrite=True) as journal:
        assert not (tmp_path / "part").exists()
        assert not (tmp_path / "model" / "weights.bin").exists()
        assert [file.read_text() for file in mine] == ["mine", "mine"]
        assert not journal.has_folder("model")
        with journal.folder("model") as folder:
            (folder / "weights.bin").write_text("new")
    assert mine[1].read_text() == "mine"


def test_a_file_that_is_not_ours_is_never_written_over(tmp_path):
    (tmp_path / "results.json").write_text("mine")
    data = tmp_path / "data.jsonl"
    data.write_text('{"id": "a"}\n')
    with Journal(tmp_path, key={}, inputs=[data]) as journal:
        with pytest.raises(UserError, match=r"results\.json: was not made by this run"):
            journal.file("results.json")
        with pytest.raises(UserError, match=r"data\.jsonl: is an input of this run"):
            journal.rows("data.jsonl")
        with pytest.raises(UserError, match="was not made"), journal.folder("."):
            pass


def test_the_journal_of_one_output_file_lies_beside_it(tmp_path):
    file = tmp_path / "out.jsonl"
    with Journal.of_file(file, key={"k": 1}) as journal:
        journal.file(file.name).write_text("ours")
    assert (tmp_path / "out.jsonl.journal").exists()
    with Journal.of_file(tmp_path / "other.jsonl", key={"k": 2}):
        pass  # two outputs in one folder do not meet
    with pytest.raises(UserError, match="k was 1 and is 3"):
        Journal.of_file(file, key={"k": 3})


def test_a_folder_that_a_kill_left_half_made_is_made_anew(tmp_path):
    journal = Journal(tmp_path, key={})
    half = journal.folder("model")
    (half.__enter__() / "half.bin").write_text("h")
    journal.close()
    with Journal(tmp_path, key={}) as journal:
        assert not list(tmp_path.glob("*model*")) and not journal.has_folder("model")
        with journal.folder("model") as folder:
            (folder / "whole.bin").write_text("w")
    assert [file.name for file in (tmp_path / "model").iterdir()] == ["whole.bin"]


WORKER = """
import sys, time
from pathlib import Path
from tenpapers.cli import make_app, run
from tenpapers.journal import Journal, files_of, key_of, known_by
app = make_app("w")

@app.command()
def work(out: Path, wait: bool = False, pause: float = 0.0) -> None:
    with Journal(out, key={}, wait=wait) as journal, journal.rows("rows.jsonl") as rows:
        for number in range(200):
            if str(number) not in rows.rows:
                rows.write({"id": str(number)})
                time.sleep(pause)

@app.command()
def other() -> None: ...

run(app)
"""


def start(*words):
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, "work", *map(str, words)],
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(file):
    until = time.monotonic() + 60
    while not (file.exists() and file.read_text().count("\n") > 5):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_killed_at_any_moment_it_goes_on_and_two_at_once_do_not_mix(tmp_path):
    file = tmp_path / "rows.jsonl"
    first = start(tmp_path, "--pause", 0.2)
    wait_for(file)
    second = start(tmp_path)
    told = second.communicate(timeout=60)[1]
    assert second.returncode == 2
    assert f"process {first.pid} on " in told and told.count("\n") == 1
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    with file.open("a") as stream:  # what a kill in the middle of a line leaves
        stream.write('{"id": "19')
    waiting = [start(tmp_path, "--wait"), start(tmp_path, "--wait")]
    assert [process.wait(timeout=60) for process in waiting] == [0, 0]
    assert [row["id"] for row in lines(file)] == [str(number) for number in range(200)]


def test_a_folder_is_wanted(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        Journal(tmp_path / "file", key={})


def test_a_folder_made_again_holds_the_new_files_alone_and_a_kill_between_is_seen(tmp_path):
    with Journal(tmp_path, key={}) as journal, journal.folder("model") as folder:
        (folder / "a.bin").write_text("old")
        (folder / "b.bin").write_text("old")
    (tmp_path / "model" / "mine.txt").write_text("mine")
    journal = Journal(tmp_path, key={})
    half = journal.folder("model")
    half.__enter__()
    journal.close()
    with Journal(tmp_path, key={}) as journal:
        assert not journal.has_folder("model")
        with journal.folder("model") as folder:
            (folder / "a.bin").write_text("new")
        assert journal.has_folder("model")
    found = {file.name: file.read_text() for file in (tmp_path / "model").iterdir()}
    assert found == {"a.bin": "new", "mine.txt": "mine"}
    told = r"mine\.txt: was not made by this run"
    with (
        Journal(tmp_path, key={}) as journal,
        pytest.raises(UserError, match=told),
        journal.folder("model") as folder,
    ):
        (folder / "mine.txt").write_text("ours")


def test_a_workspace_outlives_a_kill_and_goes_with_its_stage_or_an_overwrite(tmp_path):
    (tmp_path / "theirs").mkdir()
    with Journal(tmp_path, key={"k": 1}) as journal:
        journal.workspace("state").mkdir()
        (tmp_path / "state" / "step-1").write_text("s")
        with pytest.raises(UserError, match="theirs: was not made by this run"):
            journal.workspace("theirs")
    with Journal(tmp_path, key={"k": 1}) as journal:
        assert (journal.workspace("state") / "step-1").exists()
        journal.drop("state")
        journal.file("rows.partial").write_text("r")
        journal.drop("rows.partial")
        journal.drop("theirs")
        journal.drop("state")
    (tmp_path / "state").mkdir()
    (tmp_path / "rows.partial").write_text("mine")
    with Journal(tmp_path, key={"k": 1}) as journal:
        for name in ("rows.partial", "state"):
            with pytest.raises(UserError, match=f"{name}: was not made by this run"):
                journal.file(name)
        (tmp_path / "state").rmdir()
        journal.workspace("state").mkdir()
    Journal(tmp_path, key={"k": 2}, overwrite=True).close()
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == [
        "journal.jsonl",
        "rows.partial",
        "theirs",
    ]


def test_a_command_that_derives_more_from_a_run_takes_its_folder_as_it_is(tmp_path):
    with Journal(tmp_path, key={"k": 1}) as journal:
        journal.file("report.md").write_text("old")
    (tmp_path / "mine.md").write_text("mine")
    with Journal.again(tmp_path) as journal:
        journal.file("report.md").write_text("new")
        with pytest.raises(UserError, match=r"mine\.md: was not made by this run"):
            journal.file("mine.md")
    Journal(tmp_path, key={"k": 1}).close()
    with Journal.again(tmp_path / "other") as journal:
        journal.file("report.md").write_text("first")
