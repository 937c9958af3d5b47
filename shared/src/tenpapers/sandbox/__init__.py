"""Running untrusted Python: a pool of isolated workers.

`SandboxPool` (in `pool`) takes `Program`s and yields a `Verdict` for each. Threat model: programs
written by a language model, with their accidents and casual abuse. It is not a jail for a targeted
attacker; put the whole job into a container or a virtual machine for that.
"""

from .barriers import KERNEL_BARRIERS, Barrier
from .pool import InfrastructureError, SandboxPool, summary_line
from .program import Detail, Limits, Program, Verdict, heavy_modules

__all__ = [
    "KERNEL_BARRIERS",
    "Barrier",
    "Detail",
    "InfrastructureError",
    "Limits",
    "Program",
    "SandboxPool",
    "Verdict",
    "heavy_modules",
    "summary_line",
]
