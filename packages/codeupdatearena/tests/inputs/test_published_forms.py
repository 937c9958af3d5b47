import gzip
import json
import sys
from types import SimpleNamespace

import pytest
from codeupdatearena.inputs.arena import load_arena
from codeupdatearena.inputs.published_forms import read_arena_file, split_tests
from tenpapers.errors import UserError


def test_the_hub_form_is_read_like_our_own(mini, mini_file, tmp_path):
    rows = []
    for line in mini_file.read_text().splitlines():
        row = json.loads(line)
        for part in (row, row["update"]):
            part["imports"] = "\n".join(part["imports"])
        row["unit_tests"] = "\n\n".join(row["unit_tests"])
        rows.append(json.dumps(row))
    file = tmp_path / "rows.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(rows).encode()))
    assert read_arena_file(file) == list(mini.examples)


def test_tests_are_split_by_function_not_by_blank_line():
    first, second = "def test_a():\n    x = 1\n\n    assert x", "def test_b():\n    pass"
    assert split_tests(f"{first}\n\n{second}") == [first, second]


def test_comments_and_decorators_stay_with_their_test():
    first = "# The plain case.\n@quick\ndef test_a():\n    assert 1\n    # indented: its end"
    second = "# Two lines\n# of comment.\n\ndef test_b():\n    pass\n    \n"
    third = "def test_c():\n    pass"
    tests = [first, second, third]
    assert split_tests("\n\n".join(tests)) == tests
    assert split_tests("\n\n".join(tests).replace("\n", "\r\n")) == tests


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda row: row.update(unit_tests=[]), "a.jsonl:1: unit_tests: "),
        (lambda row: row.update(unit_tests="def test_a(:\n"), "a.jsonl:1: unit_tests: line 1"),
        (lambda row: row.pop("problem"), "a.jsonl:1: missing field 'problem'"),
        (lambda row: row.pop("update"), "a.jsonl:1: update: "),
        (lambda row: row["update"].update(update_type="x-y"), "a.jsonl:1: unknown update type"),
        (lambda row: row.update(scenario=3), "a.jsonl:1: scenario: "),
    ],
)
def test_bad_rows_name_file_line_and_field(mini_file, tmp_path, change, told):
    row = json.loads(mini_file.read_text().splitlines()[0])
    change(row)
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(row) + "\n")
    with pytest.raises(UserError) as error:
        read_arena_file(file)
    assert told in str(error.value)


def test_an_example_given_twice_is_told(mini_file, tmp_path):
    line = mini_file.read_text().splitlines()[0]
    file = tmp_path / "a.jsonl"
    file.write_text(f"{line}\n{line}\n")
    with pytest.raises(UserError, match=r"a.jsonl:2: .*occurs twice"):
        read_arena_file(file)


def test_an_unreachable_hub_says_how_to_go_on(monkeypatch):
    def unreachable(name, configuration, *, split, revision):
        raise OSError

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=unreachable))
    with pytest.raises(UserError, match="pass its path"):
        load_arena("leo-liuzy/CodeUpdateArena")
