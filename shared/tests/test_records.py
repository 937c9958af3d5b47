import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenpapers.errors import UserError
from tenpapers.records import Appender, Record, read_json, read_json_lines, read_jsonl, write_jsonl


class Pair(Record):
    name: str
    count: int


def test_a_file_comes_back_as_it_was_written_plain_and_packed(tmp_path):
    pairs = [Pair(name="ä\u2028x", count=1), Pair(name="", count=-2)]
    for name in ("a.jsonl", "a.jsonl.gz"):
        assert write_jsonl(tmp_path / name, pairs) == 2
        assert read_jsonl(tmp_path / name, Pair) == pairs


def test_half_a_surrogate_pair_is_written_and_read(tmp_path):
    file = tmp_path / "a.jsonl"
    with Appender(file) as rows:
        rows.write({"text": "one \ud83d half", "whole": "\U0001f600"})
    write_jsonl(tmp_path / "b.jsonl", [{"text": "one \ud83d half", "whole": "\U0001f600"}])
    assert file.read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    (read,) = (value for _, value in read_json_lines(file))
    assert read == {"text": "one \ufffd half", "whole": "\U0001f600"}
    file.write_text('{"name": "\\ud83d\\ude00 \\udc00", "count": 1}\n')
    assert read_jsonl(file, Pair) == [Pair(name="\U0001f600 \ufffd", count=1)]


def test_the_same_records_give_the_same_packed_bytes(tmp_path):
    for name in ("a.gz", "b.gz"):
        write_jsonl(tmp_path / name, [{"x": 1}])
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"name": "a", "count": 1}\n{"name": ', "f.jsonl:2: not JSON"),
        ('{"name": "a", "count": "many"}\n', "f.jsonl:1: count: "),
        ('{"name": "a"}\n', "f.jsonl:1: missing field 'count'"),
        ('{"name": "a", "count": 1, "cuont": 2}\n', "f.jsonl:1: cuont: Extra"),
        ("", "f.jsonl: no records"),
        ("\n\n", "f.jsonl: no records"),
        ("[1]\n", "f.jsonl:1: "),
        ('{"name": "a", "count": ' + "1" * 5000 + "}\n", "f.jsonl:1: not JSON"),
        ("[" * 100_000 + "\n", "f.jsonl:1: not JSON"),
    ],
)
def test_broken_lines_are_named(tmp_path, content, told):
    file = tmp_path / "f.jsonl"
    file.write_text(content)
    with pytest.raises(UserError) as error:
        read_jsonl(file, Pair)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_file_folder_latin_and_cut_gzip_are_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_jsonl(tmp_path / "none.jsonl", Pair)
    with pytest.raises(UserError, match="is a folder"):
        read_jsonl(tmp_path, Pair)
    (tmp_path / "latin.jsonl").write_bytes(b'{"name": "\xe4", "count": 1}\n')
    with pytest.raises(UserError, match=r"latin.jsonl:1: not UTF-8"):
        read_jsonl(tmp_path / "latin.jsonl", Pair)
    packed = gzip.compress(b'{"name": "a", "count": 1}\n' * 1000)
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UserError, match="broken gzip"):
        read_jsonl(tmp_path / "cut.jsonl.gz", Pair)
    broken = packed[:10] + b"\xff" * 40
    for name in ("broken.jsonl.gz", "broken.json.gz"):
        (tmp_path / name).write_bytes(broken)
    with pytest.raises(UserError, match="broken gzip"):
        read_jsonl(tmp_path / "broken.jsonl.gz", Pair)
    with pytest.raises(UserError, match=r"broken.json.gz: not JSON"):
        read_json(tmp_path / "broken.json.gz")


def test_a_mark_of_windows_before_the_text_is_no_text(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"name": "a", "count": 1}\r\n')
    assert read_jsonl(tmp_path / "a.jsonl", Pair) == [Pair(name="a", count=1)]


def test_a_line_of_ten_megabytes_is_read(tmp_path):
    write_jsonl(tmp_path / "f.jsonl", [Pair(name="x" * 10_000_000, count=1)])
    assert len(read_jsonl(tmp_path / "f.jsonl", Pair)[0].name) == 10_000_000


@given(st.lists(st.text(max_size=20), min_size=1, max_size=8), st.data())
def test_whatever_a_kill_leaves_only_whole_lines_are_read(tmp_path_factory, names, data):
    file = tmp_path_factory.mktemp("cut") / "f.jsonl"
    with Appender(file) as sink:
        sink.write(*[Pair(name=name, count=i) for i, name in enumerate(names)])
    whole = file.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    file.write_bytes(whole[:cut])
    kept = whole[:cut].count(b"\n")
    with Appender(file) as sink:
        sink.write(Pair(name="next", count=99))
    expected = [Pair(name=name, count=i) for i, name in enumerate(names)][:kept]
    assert read_jsonl(file, Pair) == [*expected, Pair(name="next", count=99)]


def test_a_failed_writer_leaves_the_old_file_and_no_other(tmp_path):
    file = tmp_path / "f.jsonl"
    write_jsonl(file, [{"old": 1}])

    def broken():
        yield {"new": 1}
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_jsonl(file, broken())
    assert json.loads(file.read_text()) == {"old": 1}
    assert list(tmp_path.iterdir()) == [file]
