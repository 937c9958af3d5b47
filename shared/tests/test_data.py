import hashlib
import http.server
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tenpapers import data
from tenpapers.errors import UserError
from tenpapers.paper import Paper
from tenpapers.testing import web_server

COMMIT = "c" * 40
CONTENT = {"data/rows.json": b'[{"id": 1}]', "data/more/notes.txt": "Zeilen äöü\n".encode()}


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """Three places where data may lie (named, beside the checkout, the user's), all empty."""
    named, checkout, user = tmp_path / "named", tmp_path / "checkout", tmp_path / "home"
    monkeypatch.delenv("TENPAPERS_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(user))
    monkeypatch.setattr(data, "_beside_the_checkout", lambda: checkout)
    return named, checkout, user / "tenpapers"


def test_data_are_looked_for_beside_the_checkout_then_in_the_users_folder(homes):
    _, checkout, user = homes
    assert data.folder("lofit") is None
    (user / "lofit").mkdir(parents=True)
    assert data.folder("lofit") == user / "lofit"
    (checkout / "lofit").mkdir(parents=True)
    assert data.folder("lofit") == checkout / "lofit"
    assert data.folder("tocot") is None


def test_a_named_folder_is_the_only_one(homes, monkeypatch):
    named, checkout, _ = homes
    (checkout / "lofit").mkdir(parents=True)
    named.mkdir()
    monkeypatch.setenv("TENPAPERS_DATA", str(named))
    assert data.folder("lofit") is None
    (named / "lofit").mkdir()
    assert data.folder("lofit") == named / "lofit"


def test_a_named_folder_that_is_not_there_is_told(homes, monkeypatch):
    monkeypatch.setenv("TENPAPERS_DATA", "/no/such")
    with pytest.raises(UserError, match="TENPAPERS_DATA=/no/such: no such folder"):
        data.folder("lofit")


def test_the_users_folder_follows_the_desktops_rule(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data.user_folder() == tmp_path / ".local" / "share" / "tenpapers"


def test_a_user_without_a_home_has_the_checkouts_data_and_is_told_what_to_set(homes, monkeypatch):
    _, checkout, _ = homes
    (checkout / "lofit").mkdir(parents=True)
    for name in ("XDG_DATA_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    assert data.folder("lofit") == checkout / "lofit"
    with pytest.raises(UserError, match="no home folder to keep data in; set TENPAPERS_DATA"):
        data.folder("tocot")


def test_without_data_one_line_says_how_to_get_them(homes, caplog):
    assert data.folder_or_hint("lofit") is None
    (line,) = caplog.messages
    assert line == "the paper's published data are not here: `lofit data fetch` brings them"


def git_name(content):
    """The name that `git hash-object` gives a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def paper(**wrong):
    """A paper of two files that make ours, known by sha256 and by git's name, and of another."""
    hashes = {
        "sha256": hashlib.sha256(CONTENT["data/rows.json"]).hexdigest(),
        "git_blob": git_name(CONTENT["data/more/notes.txt"]),
    } | wrong
    files = [
        {
            "path": "data/rows.json",
            "sha256": hashes["sha256"],
            "bytes": 11,
            "makes": ["rows.jsonl"],
        },
        {"path": "data/more/notes.txt", "git_blob": hashes["git_blob"], "makes": ["names.txt"]},
        {"path": "data/unused.txt", "sha256": "0" * 64},
    ]
    published = {"repository": "someone/paper", "commit": COMMIT, "files": files}
    return Paper(title="T", authors=["A B"], year=2024, claims=[], data=[published])


def make(published, place):
    rows = published.file("someone/paper", "data/rows.json", commit="ccc").read_bytes()
    names = [file.name for file in published.files("someone/paper", "data/")]
    place("rows.jsonl").write_bytes(rows[1:-1] + b"\n")
    place("names.txt").write_text(" ".join(names))


def test_git_names_a_file_as_git_does():
    assert git_name(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror folder of the two files, and empty places for cache and data."""
    monkeypatch.setenv("TENPAPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TENPAPERS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TENPAPERS_MIRROR", str(tmp_path / "mirror"))
    folder = tmp_path / "mirror" / "someone" / "paper" / COMMIT
    for path, content in CONTENT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return tmp_path / "mirror"


def test_a_mirror_folder_gives_the_data_files(mirror, tmp_path):
    folder = data.fetch("pkg", paper(), make)
    assert folder == tmp_path / "data" / "pkg" == data.folder("pkg")
    assert (folder / "rows.jsonl").read_text() == '{"id": 1}\n'
    assert (folder / "names.txt").read_text() == "notes.txt rows.json"


def test_a_server_is_asked_only_for_what_is_missing(mirror, monkeypatch):
    with web_server(mirror) as (address, asked):
        monkeypatch.setenv("TENPAPERS_MIRROR", address)
        published = data.Published(paper(), mirror.parent / "cache" / "published")
        published.bring()
        assert len(asked) == 2
        lost = published.file("someone/paper", "data/rows.json")
        lost.write_bytes(b"half")
        data.fetch("pkg", paper(), make)
        assert asked[2:] == [f"/someone/paper/{COMMIT}/data/rows.json"]
        (mirror.parent / "data" / "pkg" / "names.txt").write_text("spoilt")
        folder = data.fetch("pkg", paper(), make)
        assert len(asked) == 3 and (folder / "names.txt").read_text() == "notes.txt rows.json"


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"git_blob": "0" * 40}])
def test_a_wrong_hash_is_refused_and_leaves_nothing(mirror, tmp_path, wrong):
    with pytest.raises(UserError, match="its hash differs") as caught:
        data.fetch("pkg", paper(**wrong), make)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()
    assert not list(tmp_path.rglob("*.partial"))


def test_no_network_is_one_line_with_a_way_out(mirror, monkeypatch):
    monkeypatch.setenv("TENPAPERS_MIRROR", "http://user:secret@127.0.0.1:9")
    with pytest.raises(UserError, match=r"data/rows\.json: cannot be.*TENPAPERS_MIRROR") as caught:
        data.fetch("pkg", paper(), make)
    assert "secret" not in str(caught.value)


def test_what_a_server_refuses_is_told(mirror, monkeypatch, tmp_path):
    with web_server(tmp_path / "cache") as (address, _):
        monkeypatch.setenv("TENPAPERS_MIRROR", address)
        with pytest.raises(UserError, match="the server says 404 File not found"):
            data.fetch("pkg", paper(), make)


def test_a_file_of_ones_own_is_not_written_over(mirror, tmp_path):
    mine = tmp_path / "data" / "pkg" / "rows.jsonl"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(UserError, match=r"rows\.jsonl: was not made by `pkg data fetch`"):
        data.fetch("pkg", paper(), make)
    assert list(mine.parent.iterdir()) == [mine] and mine.read_text() == "mine"
    assert data.folder("pkg") == mine.parent  # the user's own data are still found


def test_data_that_were_being_written_are_not_taken(mirror, tmp_path):
    def killed(published, place):
        place("rows.jsonl").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.fetch("pkg", paper(), killed)
    assert data.folder("pkg") is None
    data.fetch("pkg", paper(), make)
    assert (data.folder("pkg") / "rows.jsonl").read_text() == '{"id": 1}\n'


SCRIPT = """
import sys
from tenpapers import data
from tenpapers.paper import Paper

def make(published, place):
    for file in published.files("someone/paper"):
        data.pack(file, place(file.name))

data.fetch("pkg", Paper.model_validate_json(sys.argv[1]), make)
"""


def test_a_killed_fetch_goes_on_where_it_was(mirror, monkeypatch, tmp_path):
    asked, half_sent, go_on = [], threading.Event(), threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        """Sends the first file, then half of the second, and no more until it is asked again."""

        def do_GET(self):
            asked.append(path := self.path.split(f"{COMMIT}/")[1])
            content = CONTENT[path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if len(asked) == 2:
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                half_sent.set()
                go_on.wait(60)
            else:
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    script = [sys.executable, "-c", SCRIPT, paper().model_dump_json(by_alias=True)]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("TENPAPERS_MIRROR", f"http://127.0.0.1:{server.server_port}")
        first = subprocess.Popen(script, stderr=subprocess.DEVNULL)
        assert half_sent.wait(60)
        first.kill()
        assert first.wait() == -signal.SIGKILL
        go_on.set()
        assert not (tmp_path / "data").exists()
        done = subprocess.run(script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        server.shutdown()
    assert asked == ["data/rows.json", "data/more/notes.txt", "data/more/notes.txt"]
    for path, content in CONTENT.items():
        assert (data.folder("pkg") / Path(path).name).read_bytes() == content
    assert not list(tmp_path.rglob("*.partial"))


def test_two_fetches_at_once_ask_for_each_file_once(mirror, monkeypatch):
    script = [sys.executable, "-c", SCRIPT, paper().model_dump_json(by_alias=True)]
    with web_server(mirror) as (address, asked):
        monkeypatch.setenv("TENPAPERS_MIRROR", address)
        both = [subprocess.Popen(script, stderr=subprocess.DEVNULL) for _ in range(2)]
        assert [process.wait(60) for process in both] == [0, 0]
    assert sorted(asked) == sorted(f"/someone/paper/{COMMIT}/{path}" for path in CONTENT)
