import signal
import socket

import pytest
from tenpapers.sandbox import Program, SandboxPool


@pytest.fixture(scope="module")
def lane():
    """The module as the fork server has it: `zygote` runs as a script, without the package."""
    import sys
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    import tenpapers.sandbox

    folder = Path(tenpapers.sandbox.__file__).parent
    spec = spec_from_file_location("sandbox_zygote", folder / "zygote.py")
    zygote = module_from_spec(spec)
    spec.loader.exec_module(zygote)
    assert not {"child", "isolation", "lane"} & set(sys.modules)
    return zygote.Lane.run.__globals__


def job(cases=3, **more):
    return {
        "nonce": "secret",
        "cases": ["pass"] * cases,
        "stop_on_failure": False,
        "stop_on_pass": False,
    } | more


def told(lane, text, *, start=0, ended=True, **more):
    """Statuses after a child said a text."""
    watch = lane["Watch"](job(**more), start, 1.0)
    watch.take(text)
    watch.ended = ended
    return watch.statuses()


PASSED = b"\nsecret said passed\n\nsecret done 0\n"
FAILED = b"\nsecret said assert\n\nsecret done 256\n"


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        (b"\nsecret ready\n" + PASSED + FAILED + PASSED + b"secret end\n", "passed assert passed"),
        (b"\nsecret ready\n" + PASSED, "passed crash"),  # died in its second case
        (b"\nsecret ready\n", "crash"),
        (b"", "crash crash crash"),  # died in its set-up: so would every case
        (
            b"\nsecret setup error:ValueError\n",
            "error:ValueError error:ValueError error:ValueError",
        ),
        (b"\nsecret setup passed\n", "crash crash crash"),  # no set-up fails like this
        (b"\nsecret ready\nwrong said passed\nwrong done 0\n", "crash"),  # without the secret
        (b"secret ready\nx secret said passed\n\nsecret done 0\n", "crash crash"),
        (b"secret ready\nsecret said passed\nsecret done 256\n", "crash crash"),  # ended otherwise
        (
            b"secret ready\nsecret said memory\nsecret said passed\nsecret done 256\n",
            "memory crash",
        ),
        (b"secret ready\nsecret said done!\nsecret done 256\n", "crash crash"),  # no such status
    ],
)
def test_only_lines_with_the_secret_settle_a_case_and_what_is_missing_crashed(lane, text, statuses):
    assert told(lane, text) == statuses.split()


def test_lines_come_in_pieces(lane):
    text = b"\nsecret ready\n" + PASSED * 3 + b"secret end\n"
    watch = lane["Watch"](job(), 0, 1.0)
    for start in range(0, len(text), 5):
        watch.take(text[start : start + 5])
    assert watch.statuses() == ["passed"] * 3 and watch.finished


def test_a_child_that_stops_early_or_begins_late_settles_only_its_cases(lane):
    text = b"secret ready\n" + PASSED + FAILED
    assert told(lane, text, start=1) == ["passed", "assert"]
    assert told(lane, text, stop_on_failure=True) == ["passed", "assert"]
    assert told(lane, b"secret ready\n" + PASSED, stop_on_pass=True) == ["passed"]
    assert told(lane, b"", stop_on_failure=True) == ["crash"]


@pytest.mark.parametrize(
    ("said", "wait_status", "status"),
    [
        ("passed", 0, "passed"),
        ("passed", 256, "crash"),
        ("assert", 256, "assert"),
        ("assert", 0, "crash"),
        ("assert", 512, "crash"),
        ("", 0, "crash"),
        ("passed", signal.SIGKILL, "crash"),
        ("", signal.SIGXCPU, "timeout"),
    ],
)
def test_what_a_case_says_counts_if_its_process_ended_like_it(lane, said, wait_status, status):
    assert lane["_outcome"](said, wait_status) == status


def test_messages_have_their_length_in_front(lane):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        lane["send"](ours, {"a": "ä" * 1000})
        lane["send"](ours, [1])
        assert lane["receive"](theirs) == {"a": "ä" * 1000}
        assert lane["receive"](theirs) == [1]
        ours.close()
        assert lane["receive"](theirs) is None


def test_a_program_does_not_find_the_harness_by_name():
    cases = tuple(f"import {name}" for name in ("lane", "child", "isolation"))
    with SandboxPool(workers=1) as pool:
        (verdict,) = pool.run([Program("p", (), cases)])
    assert verdict.statuses == ("error:ModuleNotFoundError",) * 3
