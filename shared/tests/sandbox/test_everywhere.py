"""Every user, every machine: verdicts are the same, or one line says what is missing."""

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

ORDINARY = 1000  # a user id; nobody needs to have it
SYSTEM_PYTHON = "/usr/bin/python3"  # which every user may run
PROGRAMS = {
    "right": ("import json\ndef f(x): return x + 1", ["assert f(1) == 2", "import math"]),
    "wrong": ("def f(x): return x", ["assert f(1) == 2"]),
    "curious": ("", ["open('/etc/passwd').read()", "import socket\nsocket.socket()"]),
}
USERS = [pytest.param(None, id="own"), pytest.param(ORDINARY, id="ordinary")]


def check(found, barrier):
    assert "error" not in found, found
    statuses = {key: verdict["statuses"] for key, verdict in found["verdicts"].items()}
    assert statuses["right"] == ["passed", "passed"]
    assert statuses["wrong"] == ["assert"]
    assert all(status.startswith("error:") for status in statuses["curious"])
    assert found["barrier"] == barrier


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize(
    ("refusal", "barrier"),
    [
        ("nothing", "namespaces"),
        ("mount_setattr missing", "namespaces"),
        ("user namespaces", "landlock"),
        ("mounts (AppArmor)", "landlock"),
    ],
)
def test_the_strongest_barrier_that_the_kernel_gives_is_taken(drive, user, refusal, barrier):
    check(drive(PROGRAMS, user=user, refusal=refusal), barrier)


@pytest.mark.parametrize("user", USERS)
def test_without_any_barrier_one_line_refuses_and_weak_must_be_asked_for(drive, user):
    found = drive(PROGRAMS, user=user, refusal="every barrier")
    assert found.keys() == {"error"}
    assert "no barrier" in found["error"] and "\n" not in found["error"]
    assert "namespaces:" in found["error"] and "landlock:" in found["error"]
    weak = drive(
        {"right": PROGRAMS["right"]},
        user=user,
        refusal="every barrier",
        barriers=["namespaces", "landlock", "weak"],
    )
    assert weak["barrier"] == "weak"
    assert weak["verdicts"]["right"]["statuses"] == ["passed", "passed"]


def test_a_kernel_that_cannot_ask_the_worker_is_refused_in_one_line(drive):
    barriers = ["namespaces", "landlock", "weak"]
    found = drive(PROGRAMS, refusal="asking the worker", barriers=barriers)
    assert found.keys() == {"error"} and "\n" not in found["error"]
    assert found["error"].count("seccomp: Function not implemented") == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_where_the_user_map_cannot_be_written_landlock_serves(drive):
    script = "mount -t proc -o ro proc /proc && exec setpriv --reuid 1000 --regid 1000 "
    script += '--clear-groups "$@"'
    before = ["unshare", "-m", "sh", "-c", script, "sh"]
    found = drive(PROGRAMS, before=before, python=SYSTEM_PYTHON)
    check(found, "landlock")


def test_root_of_a_namespace_with_one_user_is_served(drive):
    if subprocess.run(["unshare", "-Ur", "true"], check=False).returncode:
        pytest.skip("no user namespaces here")
    check(drive(PROGRAMS, before=["unshare", "-Ur"]), "namespaces")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("refusal", ["nothing", "user namespaces"])
def test_root_without_capabilities_is_served(drive, refusal):
    before = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    found = drive(PROGRAMS, before=before, refusal=refusal)
    # Since Linux 5.12 nobody without capabilities may map root into a namespace.
    check(found, "landlock")


FORKS = "import os, time\nfor _ in range(200):\n    if os.fork() == 0:\n        time.sleep(20)"
THREADS = (
    "import threading, time\nfor _ in range(200):\n"
    "    threading.Thread(target=time.sleep, args=(3,), daemon=True).start()"
)


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("isolation", ["namespaces", "landlock"])
def test_beside_a_greedy_run_and_a_busy_user_right_programs_pass(drive, user, isolation):
    own = os.geteuid() if user is None else user
    other = own != os.geteuid()
    identity = {"user": own, "group": own, "extra_groups": []} if other else {}
    # Eighty processes of the same user. One of their own starts them: for another user Python forks
    # all of this process, which has torch and models in it by now.
    script = "for _ in $(seq 80); do sleep 25 & done; wait"
    sleepers = subprocess.Popen(["sh", "-c", script], cwd="/", start_new_session=True, **identity)
    try:
        right = {str(number): PROGRAMS["right"] for number in range(30)}
        programs = {"forks": (FORKS, ["pass"]), "threads": (THREADS, ["pass"])} | right
        found = drive(programs, user=user, barriers=[isolation], workers=3)
    finally:
        os.killpg(sleepers.pid, signal.SIGKILL)
        sleepers.wait()
    statuses = {key: verdict["statuses"] for key, verdict in found["verdicts"].items()}
    # Refused at once, or ended by the count of its own processes, which is nobody else's.
    assert statuses.pop("forks")[0] in ("error:PermissionError", "crash")
    assert statuses.pop("threads") == ["error:RuntimeError"]
    assert len(statuses) == 30 and all(s == ["passed"] * 2 for s in statuses.values())


def test_two_runs_at_once_do_not_count_each_others_processes(drive):
    right = {str(number): PROGRAMS["right"] for number in range(30)}
    with ThreadPoolExecutor(2) as both:
        greedy = both.submit(drive, {"forks": (FORKS, ["pass"]), "threads": (THREADS, ["pass"])})
        found = both.submit(drive, right).result()
        greedy.result()
    assert {key: v["statuses"] for key, v in found["verdicts"].items()} == {
        key: ["passed", "passed"] for key in right
    }


def test_a_greedy_program_leaves_nothing_behind(drive):
    began = time.monotonic()
    drive({"forks": (FORKS, ["pass"])})
    assert time.monotonic() - began < 15
