"""An arena of one's own, around a library of one's own."""

import json

import pytest
from codeupdatearena.inputs.arena import load_arena
from tenpapers.errors import UserError
from tenpapers.testing import command, fails, read_rows, write_rows

KEEP = ["import shop", "old_price = shop.price", "setattr(shop, 'old_price', old_price)"]
UPDATE = {
    "update_id": "price-in-cents",
    "function_path": "shop.price",
    "update_type": "add-argument",
    "description": "Add the argument `cents`.",
    "docstring": "Price of a thing in euros, or in cents.",
    "signature": "shop.price(thing, cents=False)",
    "imports": KEEP,
    "implementation": (
        "def price(thing, cents=False):\n    return old_price(thing) * (100 if cents else 1)"
    ),
}
OWN = {
    "prog_syn_id": "till/0",
    "update": UPDATE,
    "scenario": "A till counts in cents.",
    "problem": "Add up a basket.",
    "solution_signature": "def total(basket):",
    "unit_tests": ["def test_two():\n    assert total(['tea', 'tea']) == 600"],
    "ref_solution": "def total(basket):\n    return sum(shop.price(t, cents=True) for t in basket)",
}


def own(folder, **update):
    (folder / "lib").mkdir(exist_ok=True)
    (folder / "lib/shop.py").write_text("def price(thing):\n    return 3\n")
    return write_rows(folder / "own.jsonl", [OWN | {"update": UPDATE | update}])


def test_an_example_takes_its_updates_imports_unless_it_has_its_own(tmp_path):
    (example,) = load_arena(own(tmp_path)).examples
    assert example.imports == KEEP and example.update.package == "shop"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"imports": ["import shop"]}, "imports: nothing keeps the old function as old_price"),
        ({"imports": ["import shop", "old_price ="]}, "imports: line 2: "),
        ({"implementation": "def other():\n    pass"}, "implementation name 'other' must equal"),
        ({"implementation": ""}, "implementation has 0 top-level functions"),
    ],
)
def test_what_an_update_lacks_is_told_when_it_is_read(tmp_path, change, told):
    with pytest.raises(UserError) as error:
        load_arena(own(tmp_path, **change))
    assert f"own.jsonl:1: {told}" in str(error.value) or told in str(error.value)
    if change == {"imports": ["import shop"]}:
        assert "old_price = shop.price" in error.value.hint
        assert "setattr(shop, 'old_price', old_price)" in error.value.hint


def test_tests_are_checked_at_import(tmp_path):
    two = OWN | {"unit_tests": ["def test_a():\n    pass\ndef test_b():\n    pass"]}
    file = write_rows(tmp_path / "two.jsonl", [two])
    told = ["till/0: a test text must be exactly one top-level function"]
    fails("codeupdatearena", "data", "import", file, "--out", tmp_path / "a.jsonl", told=told)


def test_a_library_of_ones_own_is_found_by_path_and_is_an_input(allowed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arena, out = own(tmp_path), ["--out", tmp_path / "run"]
    write_rows(tmp_path / "p.jsonl", [{"prog_syn_id": "till/0", "code": OWN["ref_solution"]}])
    evaluate = ["codeupdatearena", "evaluate", "p.jsonl", "--arena", arena, *out]
    fails(*evaluate, told=["there is no shop.price (is it installed?)", "--path"])
    fails(*evaluate, "--path", ".", told=["there is no shop.price"])  # not the folder that has it
    fails(*evaluate, "--path", "nowhere", told=["nowhere: no such folder"])
    command(*evaluate, "--path", "lib")
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    assert metrics["methods"]["unknown"]["UPass@1"] == 100.0
    (report,) = read_rows(tmp_path / "run/reports.jsonl")
    assert (report["update_id"], report["package"]) == ("price-in-cents", "shop")
    (tmp_path / "lib/shop.py").write_text("def price(thing):\n    return 4\n")
    fails(*evaluate, "--path", "lib", told=["input shop.py has changed"])
    command("codeupdatearena", "report", "run", "--out", "report")
    assert "| shop | 1 | 100.0 |" in (tmp_path / "report/report.md").read_text()


def test_a_value_that_claims_to_be_equal_to_anything_is_counted(allowed, tmp_path, capsys):
    code = "class Any(float):\n    def __eq__(self, other): return True\n"
    code += "def total(basket):\n    return Any()"
    write_rows(tmp_path / "p.jsonl", [{"prog_syn_id": "till/0", "code": code}])
    words = ["--arena", own(tmp_path), "--path", tmp_path / "lib", "--out", tmp_path / "o"]
    command("codeupdatearena", "evaluate", tmp_path / "p.jsonl", *words)
    (report,) = read_rows(tmp_path / "o/reports.jsonl")
    told = "returns candidate.Any, the reference int"
    assert report["suspicious"] == ["Any.__eq__", "class Any(float)", told]
    # With the update, without it, and where its types were noted.
    assert "suspicious: 3" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["evaluate", "verify", "literalize"])
def test_no_program_reads_the_arena_even_where_it_lies_in_a_folder_that_they_see(
    allowed, tmp_path, name
):
    peep = f"def total(basket):\n    return len(open({str(tmp_path / 'own.jsonl')!r}).read())"
    test = "def test_two():\n    expected = total([])\n    assert expected > 0"
    own(tmp_path)
    arena = write_rows(tmp_path / "own.jsonl", [OWN | {"unit_tests": [test], "ref_solution": peep}])
    (tmp_path / "lib/shop.py").rename(tmp_path / "shop.py")
    write_rows(tmp_path / "p.jsonl", [{"prog_syn_id": "till/0", "code": peep}])
    out = tmp_path / "out"
    words = {
        "evaluate": ["evaluate", tmp_path / "p.jsonl", "--arena", arena, "--out", out],
        "verify": ["verify", arena, "--out", out],
        "literalize": ["literalize", arena, "--out", out / "a.jsonl"],
    }
    command("codeupdatearena", *words[name], "--path", tmp_path)
    if name == "literalize":
        assert read_rows(out / "a.jsonl")[0]["unit_tests"] == [test]
        return
    file = {"evaluate": "reports.jsonl", "verify": "outcomes.jsonl"}[name]
    (row,) = read_rows(out / file)
    assert row["with_update"][0] in ("assert", "error:PermissionError", "error:FileNotFoundError")


def test_code_that_a_model_wrote_is_asked_for_wherever_it_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("TENPAPERS_ALLOW_CODE", "")
    own(tmp_path)
    made = write_rows(tmp_path / "made.jsonl", [OWN | {"made_by": "synth"}])
    plain = tmp_path / "own.jsonl"
    out = ["--out", tmp_path / "o" / "x.jsonl"]
    for words in (
        ["verify", made],
        ["literalize", made],
        ["reproduce", "--arena", made],
        ["verify", plain, "--weak-sandbox"],
        ["literalize", plain, "--weak-sandbox"],
        ["reproduce", "--arena", plain, "--weak-sandbox"],
    ):
        fails("codeupdatearena", *words, *out, told=["--allow-code"])
    command("codeupdatearena", "verify", plain, "--path", tmp_path / "lib", "--out", tmp_path / "v")
    command("codeupdatearena", "data", "import", made, "--out", tmp_path / "again.jsonl")
    assert [row["made_by"] for row in read_rows(tmp_path / "again.jsonl")] == ["synth"]
    command("codeupdatearena", "data", "import", plain, "--out", tmp_path / "plain.jsonl")
    assert ["made_by" in row for row in read_rows(tmp_path / "plain.jsonl")] == [False]
