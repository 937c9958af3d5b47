"""The second barrier, where no namespaces can be had: Landlock's rules for files (Linux 5.13).

They hold for a process and its children, cannot be taken back and need no privilege. They say
nothing about sockets, signals and the modes of files: the list of system calls does.
Standard library only.
"""

import contextlib
import ctypes
import os
import stat
import struct

from syscalls import PR_SET_NO_NEW_PRIVS, check, libc  # type: ignore[import-not-found]
from view import DEVICES, View, readable_parts  # type: ignore[import-not-found]

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every processor
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_MAKE_DEVICES_AND_SOCKETS = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11
_OF_FILES = 1 << 0 | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many rights the kernel's version knows; from 5 on 16


def ruleset(home: str, view: View) -> int:
    """Make the rules of a worker; `restrict` puts them in force.

    Returns
    -------
    Descriptor of the rules.

    Raises
    ------
    OSError : the kernel has no Landlock, or it is switched off.
    """
    version = check(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1), "Landlock")
    handled = (1 << _RIGHTS.get(version, 16)) - 1
    attributes = struct.pack("Q", handled)
    size = ctypes.c_size_t(len(attributes))
    rules = check(libc.syscall(_CREATE_RULESET, attributes, size, 0), "Landlock")
    whole, listed = readable_parts(view)
    for name in whole:
        with contextlib.suppress(FileNotFoundError, PermissionError):
            _allow(rules, name, (_READ_FILE | _READ_DIR) & handled)
    for name in listed:
        _allow(rules, name, _READ_DIR)
    for name in DEVICES:
        _allow(rules, name, (_READ_FILE | _WRITE_FILE) & handled)
    _allow(rules, home, handled & ~_MAKE_DEVICES_AND_SOCKETS & ~(1 << 15) & ~1)
    return rules


def _allow(rules: int, name: str, rights: int) -> None:
    opened = os.open(name, os.O_PATH | os.O_CLOEXEC)
    try:
        mode = os.fstat(opened).st_mode
        if not stat.S_ISDIR(mode):
            if not (stat.S_ISREG(mode) or name in DEVICES):
                return  # no pipes, sockets or devices of the host
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, opened)
        check(libc.syscall(_ADD_RULE, rules, 1, rule, 0), f"Landlock: {name}")
    finally:
        os.close(opened)


def restrict(rules: int) -> None:
    """Put rules in force for this process and its children, for good."""
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    check(libc.syscall(_RESTRICT_SELF, rules, 0), "Landlock")
