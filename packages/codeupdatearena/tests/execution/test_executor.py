import time

import pytest
from codeupdatearena import Job, Sandbox, aggregate
from codeupdatearena.records import Prediction

from ..conftest import by_id


def job(example, code, sample=0):
    return Job(example, Prediction(prog_syn_id=example.prog_syn_id, sample=sample, code=code))


def run(jobs, **options):
    with Sandbox(2, **options) as sandbox:
        found = {(r.prog_syn_id, r.sample): r for r in sandbox.run(jobs)}
    return [found[j.example.prog_syn_id, j.prediction.sample] for j in jobs]


def test_references_are_exclusive_and_an_empty_prediction_runs_nothing(mini):
    references = [job(example, example.ref_solution) for example in mini.examples]
    found = aggregate(run(references), [1])
    assert found["pass@1"] == found["UPass@1"] == 100.0

    class NoPool:
        def submit(self, program):
            raise AssertionError("a process was started")

        def verdicts(self):
            return iter(())

        def run(self, programs):
            assert not list(programs)
            return iter(())

    sandbox = Sandbox(1, full_report=True)
    sandbox.pool.close()
    sandbox.pool = NoPool()
    empty = list(sandbox.run([job(example, "") for example in mini.examples]))
    found = aggregate(empty, [1])
    assert found["n_empty"] == 15
    scores = {k: v for k, v in found.items() if k.startswith(("pass", "UPass")) and "@" in k}
    assert {value for value in scores.values() if not isinstance(value, tuple)} == {0.0}


def test_a_solution_that_avoids_the_feature(mini):
    """Speed (no test needs the update): both; brace of a self-dependent test: official 1 only."""
    plain = by_id(mini, "[math.hypot]:[add-argument]:[update-0]:[prog_syn-1]")
    code = "def speed_kmh(x, y, z):\n    return 3.6 * (x * x + y * y + z * z) ** 0.5"
    (report,) = run([job(plain, code)], full_report=True)
    assert report.all_pass_with and report.all_pass_without
    found = aggregate([report], [1])
    assert (found["pass@1"], found["UPass@1"], found["both"], found["unsolved"]) == (100, 0, 1, 0)

    dependent = by_id(mini, "[math.hypot]:[add-argument]:[update-0]:[prog_syn-0]")
    code = (
        "def distance_in_metres(a, b):\n"
        "    return 1000 * ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5"
    )
    (report,) = run([job(dependent, code)], full_report=True)
    found = aggregate([report], [1])
    assert found["UPass@1"] == 100.0
    assert found["UPass@1_strict"] == found["UPass@1_called"] == 0.0


def test_a_solution_that_uses_the_feature_counts_by_all_three(mini):
    dependent = by_id(mini, "[math.hypot]:[add-argument]:[update-0]:[prog_syn-0]")
    (report,) = run([job(dependent, dependent.ref_solution)], full_report=True)
    assert (report.exclusive, report.strict, report.called_update) == (True, True, True)


def test_an_example_whose_tests_all_need_the_update_is_undecidable(mini):
    example = by_id(mini, "[math.hypot]:[add-argument]:[update-0]:[prog_syn-0]")
    only = example.model_copy(update={"unit_tests": example.unit_tests[2:]})
    (report,) = run([job(only, only.ref_solution)], full_report=True)
    found = aggregate([report], [1])
    assert found["undecidable_strict"] == 1 and found["UPass@1_strict"] is None


def test_laziness_stops_where_nothing_more_can_be_learned(mini):
    example = mini.examples[0]
    wrong, right = run(
        [
            job(example, "def distance_in_metres(a, b): return -1"),
            job(example, example.ref_solution, 1),
        ]
    )
    assert wrong.with_update == ["assert"] and wrong.without_update is None
    assert right.with_update == ["passed"] * 3 and len(right.without_update) == 1


def test_equal_samples_run_once_and_syntax_errors_never(mini):
    example = mini.examples[0]
    jobs = [job(example, example.ref_solution, i) for i in range(3)]
    jobs.append(job(example, "def (", 3))
    with Sandbox(1) as sandbox:
        submitted = []
        submit = sandbox.pool.submit
        sandbox.pool.submit = lambda program, **how: (
            submitted.append(program.key),
            submit(program, **how),
        )
        reports = list(sandbox.run(jobs))
    assert len(submitted) == 2  # with, and without the update
    assert len(reports) == 4
    assert [r.with_update for r in reports if r.sample == 3] == [["error:SyntaxError"]]


@pytest.mark.parametrize("options", [{}, {"strict": True}, {"full_report": True}])
def test_reports_come_as_soon_as_they_can_with_one_worker(mini, options):
    """A run that is killed half way has kept half of its reports, whatever is looked for."""
    jobs = [job(example, example.ref_solution) for example in mini.examples[:6]]
    with Sandbox(1, **options) as sandbox:
        ran = []
        count = sandbox.pool._count
        sandbox.pool._count = lambda *told: (ran.append(1), count(*told))
        done = [len(ran) for _ in sandbox.run(jobs)]
    each = 4 if options.get("full_report") else 3 if options else 2
    assert done == [each * number for number in range(1, 7)]


def test_after_two_timeouts_of_a_sample_its_other_tests_are_not_run(mini):
    """A solution that answers with the update and hangs without it, by each criterion."""
    example = mini.examples[0]
    tests = [
        f"def test_{i}():\n    assert distance_in_metres((0, 0), (3, {i})) > 0" for i in range(5)
    ]
    example = example.model_copy(update={"unit_tests": tests})
    code = (
        "def distance_in_metres(a, b):\n    while math.hypot is old_hypot:\n        pass\n"
        "    return 1"
    )
    for options, run_in_vain in (({"strict": True}, 2), ({"full_report": True}, 5)):
        began = time.monotonic()
        (report,) = run([job(example, code)], timeout=0.3, **options)
        assert report.without_update == ["timeout"] * 5
        assert 0.3 * run_in_vain < time.monotonic() - began
        assert report.seconds < 0.3 * run_in_vain + 1


def test_a_wrong_name_and_a_main_block(mini):
    example = mini.examples[0]
    renamed = example.ref_solution.replace("distance_in_metres", "other")
    with_main = example.ref_solution + "\nif __name__ == '__main__':\n    raise SystemExit(1)"
    wrong, right = run([job(example, renamed), job(example, with_main, 1)])
    assert wrong.with_update == ["error:NameError"]
    assert right.all_pass_with
