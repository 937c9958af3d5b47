import functools
import hashlib
import http.server
import threading

import pytest
from tenpapers.errors import UserError
from tenpapers.fetch import Published, fetch
from tenpapers.paper import Paper

COMMIT = "c" * 40
CONTENT = {"data/rows.json": b'[{"id": 1}]', "data/more/notes.txt": "Zeilen äöü\n".encode()}


def git_name(content):
    """The name that `git hash-object` gives a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def paper(**wrong):
    """A paper of two files, one known by sha256 and one by git's name."""
    hashes = {
        "sha256": hashlib.sha256(CONTENT["data/rows.json"]).hexdigest(),
        "git_blob": git_name(CONTENT["data/more/notes.txt"]),
    } | wrong
    files = [
        {"path": "data/rows.json", "bytes": 11, "sha256": hashes["sha256"]},
        {"path": "data/more/notes.txt", "git_blob": hashes["git_blob"]},
    ]
    published = {"repository": "someone/paper", "commit": COMMIT, "files": files}
    return Paper(title="T", authors=["A B"], year=2024, claims=[], data=[published])


def test_git_names_a_file_as_git_does():
    assert git_name(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def make(published, place):
    rows = published.file("someone/paper", "data/rows.json", commit="ccc").read_bytes()
    names = [file.name for file in published.files("someone/paper", "data/")]
    place("rows.jsonl").write_bytes(rows[1:-1] + b"\n")
    place("names.txt").write_text(" ".join(names))


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    monkeypatch.setenv("TENPAPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TENPAPERS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TENPAPERS_MIRROR", str(tmp_path / "mirror"))
    folder = tmp_path / "mirror" / "someone" / "paper" / COMMIT
    for path, content in CONTENT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return tmp_path / "mirror"


@pytest.fixture
def server(mirror):
    """The mirror behind a web server on loopback; counts what is asked."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *words):
            pass

    handler = functools.partial(Handler, directory=str(mirror))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


def test_a_mirror_folder_gives_the_data_files(mirror, tmp_path):
    folder = fetch("pkg", paper(), make)
    assert folder == tmp_path / "data" / "pkg"
    assert (folder / "rows.jsonl").read_text() == '{"id": 1}\n'
    assert (folder / "names.txt").read_text() == "notes.txt rows.json"


def test_a_server_is_asked_only_for_what_is_missing(server, monkeypatch, tmp_path):
    address, asked = server
    monkeypatch.setenv("TENPAPERS_MIRROR", address)
    published = Published(paper(), tmp_path / "cache" / "published")
    published.bring()
    assert len(asked) == 2
    lost = published.file("someone/paper", "data/rows.json")
    lost.write_bytes(b"half")  # what a kill may leave
    fetch("pkg", paper(), make)
    assert asked[2:] == [f"/someone/paper/{COMMIT}/data/rows.json"]
    fetch("pkg", paper(), make)
    assert len(asked) == 3


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"git_blob": "0" * 40}])
def test_a_wrong_hash_is_refused(mirror, tmp_path, wrong):
    with pytest.raises(UserError, match="its hash differs") as caught:
        fetch("pkg", paper(**wrong), make)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "data").rglob("rows.jsonl"))


def test_no_network_is_one_line_with_a_way_out(mirror, monkeypatch):
    monkeypatch.setenv("TENPAPERS_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"data/rows\.json: cannot be fetched.*TENPAPERS_MIRROR"):
        fetch("pkg", paper(), make)


def test_a_file_of_ones_own_is_not_written_over(mirror, tmp_path):
    mine = tmp_path / "data" / "pkg" / "rows.jsonl"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(UserError, match="was not made by this run"):
        fetch("pkg", paper(), make)
    assert mine.read_text() == "mine"
