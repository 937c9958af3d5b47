"""What a verdict tells, what the limits mean, and what is the sandbox's own fault."""

import math
import os
import subprocess
import sys
import time

import pytest
from tenpapers.errors import UserError
from tenpapers.sandbox import Detail, InfrastructureError, Limits, Program, SandboxPool


def one(case, setup="", **options):
    limits = options.pop("limits", Limits(timeout=2))
    with SandboxPool(workers=1, limits=limits) as pool:
        (verdict,) = pool.run([Program("p", (("solution", setup),), (case,), **options)])
    return verdict


def test_message_line_and_last_output_of_a_failing_program_come_back():
    setup = "def f(x):\n    print('about to add')\n    return x + 'a'"
    verdict = one("import sys\nprint('calling', file=sys.stderr)\nf(1)", setup)
    assert verdict.statuses == ("error:TypeError",)
    wanted = "unsupported operand type(s) for +: 'int' and 'str'"
    assert verdict.details == (Detail(wanted, "solution", 3),)
    assert sorted(verdict.tail.split("\n")) == ["", "about to add", "calling"]
    assert verdict.output == ""  # was not asked for
    assert verdict.failure == f"solution:3: TypeError: {wanted}"


def test_what_was_printed_before_a_child_was_lost_comes_back_too():
    cases = ("print('one')\nimport sys, os\nsys.stdout.flush()", "while True: pass", "print('two')")
    with SandboxPool(workers=1, limits=Limits(timeout=0.3)) as pool:
        (verdict,) = pool.run([Program("p", (), cases, capture=True)])
    assert verdict.statuses == ("passed", "timeout", "passed")
    assert verdict.output == "one\ntwo\n"


def test_what_does_not_parse_names_its_line():
    verdict = one("pass", "x = 1\ndef (")
    assert verdict.statuses == ("error:SyntaxError",)
    assert (verdict.details[0].part, verdict.details[0].line) == ("solution", 2)


def test_a_program_that_prints_megabytes_passes_and_its_first_64_kib_are_kept():
    verdict = one("print('x' * 3_000_000)", capture=True)
    assert verdict.statuses == ("passed",) and verdict.output == "x" * 65536
    assert verdict.tail == ""


def test_an_endless_loop_is_ended_by_cpu_time_and_a_sleep_by_the_wall():
    limits = Limits(timeout=0.3)
    with SandboxPool(workers=1, limits=limits) as pool:
        cases = ("while True: pass", "import time\ntime.sleep(30)")
        (verdict,) = pool.run([Program("p", (), cases)])
        assert verdict.statuses == ("timeout", "timeout")
        assert verdict.failure == "timeout (cpu time)"
        assert verdict.details[1].limit == "wall" and not verdict.details[1].starved
        assert pool.counts["programs"] == 1


@pytest.mark.parametrize("hostile", ["while True: pass", "import os\nos._exit(0)"])
def test_a_lost_case_is_a_failure_that_ends_a_program_which_stops_at_one(hostile):
    limits = Limits(timeout=0.3)
    with SandboxPool(workers=1, limits=limits) as pool:
        (verdict,) = pool.run([Program("p", (), (hostile,) * 3, stop_on_failure=True)])
    assert len(verdict.statuses) == 1


def test_after_the_most_timeouts_the_rest_is_not_run():
    limits = Limits(timeout=0.3)
    cases = ("pass", "while True: pass", "while True: pass", "pass", "pass")
    with SandboxPool(workers=1, limits=limits) as pool:
        (verdict,) = pool.run([Program("p", (), cases, most_timeouts=2)])
    assert verdict.statuses == ("passed", "timeout", "timeout", "timeout", "timeout")
    assert [detail.message for detail in verdict.details] == ["", "", "", "not run", "not run"]


def test_what_follows_from_a_verdict_goes_before_what_waits():
    came = []
    with SandboxPool(workers=1) as pool:
        for number in range(3):
            pool.submit(Program(f"{number}", (), ("pass",)))
        for verdict in pool.verdicts():
            came.append(verdict.key)
            if verdict.key.isdigit():
                pool.submit(Program(f"after {verdict.key}", (), ("pass",)), first=True)
    assert came == ["0", "after 0", "1", "after 1", "2", "after 2"]


def test_threads_and_forked_work_count_as_cpu_time():
    case = "import hashlib\nwhile True: hashlib.sha256(bytes(10_000_000))"
    verdict = one(case, limits=Limits(timeout=0.3))
    assert verdict.statuses == ("timeout",)


def test_a_program_that_starved_on_a_busy_machine_is_tried_once_more_alone():
    (cpu, *_) = sorted(os.sched_getaffinity(0))
    busy = f"import os, time\nos.sched_setaffinity(0, {{{cpu}}})\nt = time.time()\n"
    busy += "while time.time() - t < 6: pass"
    code = "import time\nt = time.process_time()\nwhile time.process_time() - t < 0.3: pass"
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        with SandboxPool(workers=1, limits=Limits(timeout=0.8)) as pool:
            assert next(pool.run([Program("warm", (), ("pass",))])).statuses == ("passed",)
            # Sessions of their own, or the kernel would give them one share together.
            command = [sys.executable, "-S", "-c", busy]
            rivals = [subprocess.Popen(command, start_new_session=True) for _ in range(24)]
            try:
                time.sleep(0.5)
                pool.submit(Program("right", (), (code,)))
                # Programs that sleep keep it from being the last too early.
                pool.submit(Program("other", (), ("import time\ntime.sleep(2.5)",) * 3))
                found = {verdict.key: verdict.statuses for verdict in pool.verdicts()}
            finally:
                for rival in rivals:
                    rival.kill()
                    rival.wait()
            assert found["right"] == ("passed",)
            assert pool.counts["tried again"] >= 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize("name", ["timeout", "memory_gb"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_a_limit_that_is_none_is_refused_in_one_line(name, value):
    with pytest.raises(UserError, match=name) as caught:
        Limits(**{name: value})
    assert "\n" not in str(caught.value)


def kill_worker(pool):
    (lane,) = pool._busy()
    os.kill(lane.pid, 9)


def test_a_worker_that_dies_while_the_canary_lives_is_the_programs_crash():
    with SandboxPool(workers=1) as pool:
        assert next(pool.run([Program("warm", (), ("pass",))])).statuses == ("passed",)
        pool.submit(Program("victim", (), ("import time\ntime.sleep(20)", "pass")))
        pool._dispatch()
        kill_worker(pool)
        (verdict,) = pool.verdicts()
        assert verdict.statuses == ("crash", "crash")
        assert pool.counts == {"programs": 2, "worker died": 1, "crash": 1}
        assert next(pool.run([Program("after", (), ("pass",))])).statuses == ("passed",)


def test_a_worker_that_dies_with_the_canary_is_infrastructure_and_no_verdict(monkeypatch):
    with SandboxPool(workers=1) as pool:
        assert next(pool.run([Program("warm", (), ("pass",))])).statuses == ("passed",)
        pool.submit(Program("victim", (), ("import time\ntime.sleep(20)",)))
        pool._dispatch()
        kill_worker(pool)
        pool.submit(Program("after", (), ("pass",)))
        with monkeypatch.context() as patch:
            patch.setattr(pool, "_canary", lambda modules, barrier: "out of memory")
            verdicts = pool.verdicts()
            assert next(verdicts).key == "after"
            with pytest.raises(InfrastructureError, match=r"on 1 program.*out of memory") as ended:
                next(verdicts)
            assert ended.value.exit_code == 3
        assert pool.counts["infrastructure"] == 1 and pool.counts["crash"] == 0


def test_no_verdict_before_the_canary_has_passed(monkeypatch):
    monkeypatch.setattr("tenpapers.sandbox.pool.passes", lambda statuses: False)
    with (
        SandboxPool(workers=1) as pool,
        pytest.raises(
            UserError, match="no barrier for model-written code here .*canary got passed"
        ),
    ):
        list(pool.run([Program("p", (), ("pass",))]))
    assert pool.barrier == ""
