"""Run programs in a pool of its own process, as another user or on a kernel that refuses things.

`drive.py SETTINGS`: JSON with `programs` (key to set-up and cases), `pool` (arguments of the pool)
and `refused` (system calls that fail in this process and its children, with the error).
"""

import ctypes
import json
import struct
import sys
from dataclasses import asdict

from tenpapers.errors import UserError
from tenpapers.sandbox import Limits, Program, SandboxPool

CALLS = {
    "unshare": (272, 97),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "landlock_create_ruleset": (444, 444),
    "seccomp": (317, 277),
}


def refuse(calls: dict[str, int]) -> None:
    """Make system calls fail with an error number, by a filter of our own."""
    import platform

    column = ("x86_64", "aarch64").index(platform.machine())
    steps = [(0x20, 0, 0, 0)]
    for name, error in calls.items():
        steps += [(0x15, 0, 1, CALLS[name][column]), (0x06, 0, 0, 0x50000 | error)]
    steps.append((0x06, 0, 0, 0x7FFF0000))
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(steps), 0), 16)
    struct.pack_into("Q", program, 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)
    assert libc.prctl(22, 2, program, 0, 0) == 0


def main() -> None:
    """Run what the settings say."""
    settings = json.loads(sys.argv[1])
    refuse(settings.get("refused", {}))
    arguments = settings.get("pool", {})
    limits = Limits(**arguments.pop("limits", {"timeout": 5, "memory_gb": 0.5}))
    programs = [
        Program(key, (("solution", setup),), tuple(cases))
        for key, (setup, cases) in settings["programs"].items()
    ]
    try:
        with SandboxPool(limits=limits, **arguments) as pool:
            verdicts = {verdict.key: asdict(verdict) for verdict in pool.run(programs)}
            found = {"barrier": pool.barrier, "verdicts": verdicts, "counts": dict(pool.counts)}
    except UserError as error:
        found = {"error": f"{error}"}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
