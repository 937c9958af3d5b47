"""The generation pipeline with a scripted model; the code it writes really runs."""

from contextlib import contextmanager

import pytest
from codeupdatearena.synth.problems import ProgSynGenerator
from codeupdatearena.synth.run import generate_problems, generate_updates
from codeupdatearena.synth.stored_model import LLM, Rejected, open_responses
from codeupdatearena.synth.updates import UpdateGenerator
from tenpapers.generation import Generator
from tenpapers.journal import Journal
from tenpapers.sandbox import SandboxPool
from tenpapers.testing import read_rows

from .script import GOOD, SOLUTION, Script


@pytest.fixture(scope="module")
def pool():
    with SandboxPool(workers=2) as found:
        yield found


def make_update(script, pool, folder):
    with stored(script, folder / "responses.jsonl") as llm:
        return UpdateGenerator(llm, pool).run("math.floor", "add-argument")


@contextmanager
def stored(script, file):
    """A model of scripted answers with the file of its responses."""
    with (
        Journal.of_file(file, key={}) as journal,
        open_responses(journal, file.name) as store,
    ):
        yield LLM(Generator(script), store)


def test_one_update_and_one_problem_are_accepted(pool, tmp_path):
    made = make_update(Script(), pool, tmp_path)
    assert made.tests_pass == [True] * 10
    update = made.update
    assert update.update_id == "[math.floor]:[add-argument]:[update-0]"
    assert update.implementation == GOOD
    assert update.imports == [
        "import math",
        "old_floor = math.floor",
        "setattr(math, 'old_floor', old_floor)",
    ]
    assert update.unit_tests[1] == (
        "def test_1():\n    x = 7\n    result = math.floor(x, step=5)\n"
        "    expected_result = x - x % 5\n    assert result == expected_result\n"
    )
    with stored(Script(), tmp_path / "more.jsonl") as llm:
        problem = ProgSynGenerator(llm, pool).run(update, 1)
    assert problem.tests_pass == [True] * 10
    assert problem.example.ref_solution == SOLUTION
    assert problem.example.prog_syn_id == f"{update.update_id}:[prog_syn-0]"


def test_six_of_ten_passing_tests_are_too_few(pool, tmp_path):
    with pytest.raises(Rejected, match=r"6 of 10 tests pass, below 0\.7"):
        make_update(Script(wrong_answers=4), pool, tmp_path)


def test_seven_of_ten_are_enough(pool, tmp_path):
    made = make_update(Script(wrong_answers=3), pool, tmp_path)
    assert made.tests_pass == [False] * 3 + [True] * 7


def test_without_an_exclusive_test_it_is_rejected(pool, tmp_path):
    update = make_update(Script(), pool, tmp_path).update
    avoids = "def price(x):\n    return x - x % 5"
    with (
        stored(Script(solution=avoids), tmp_path / "avoids.jsonl") as llm,
        pytest.raises(Rejected, match="no test needs the update"),
    ):
        ProgSynGenerator(llm, pool).run(update, 1)


def test_an_interrupted_run_repeats_no_call(pool, tmp_path):
    class Dying(Script):
        def answer(self, user):
            if self.calls == 12:
                raise KeyboardInterrupt
            return super().answer(user)

    with pytest.raises(KeyboardInterrupt):
        make_update(Dying(), pool, tmp_path)
    whole = Script()
    make_update(whole, pool, tmp_path / "whole")
    rest = Script()
    make_update(rest, pool, tmp_path)
    assert 11 + rest.calls == whole.calls
    again = Script()
    make_update(again, pool, tmp_path)
    assert again.calls == 0


def test_three_unfit_answers_reject_and_two_do_not(pool, tmp_path):
    from codeupdatearena.synth.function_sheet import FunctionSheet

    sheet = {
        "math.floor": FunctionSheet(
            function_path="math.floor",
            signature="math.floor(x):",
            docstring="",
            imports=["import math"],
        )
    }
    for junk in (2, 3):
        with stored(Script(junk=junk), tmp_path / f"{junk}.jsonl") as llm:
            generator = UpdateGenerator(llm, pool, sheets=sheet)
            if junk == 2:
                assert generator.run("math.floor", "add-argument").tests_pass
                continue
            with pytest.raises(Rejected, match="not JSON"):
                generator.run("math.floor", "add-argument")


def test_runs_go_on_and_rejections_are_kept(pool, tmp_path):
    bad = Script(solution="def price(x):\n    return 0")
    with (
        stored(Script(), tmp_path / "r.jsonl") as llm,
        stored(bad, tmp_path / "s.jsonl") as solver,
        Journal(tmp_path / "run", key={}) as journal,
    ):
        good = UpdateGenerator(llm, pool)
        names = ["math.floor"], ["add-argument"]
        made = generate_updates(good, *names, 1, journal, "updates.jsonl")
        for _ in range(2):
            maker = ProgSynGenerator(solver, pool)
            assert generate_problems(maker, made, 1, journal, "p.jsonl", seed=1) == []
    (line,) = read_rows(tmp_path / "run" / "p.rejected.jsonl")
    assert line["subject"].endswith("[prog_syn-0]")
