"""What the generation steps hand on."""

from tenpapers.records import Record

from ..records import ApiUpdate, ProgSynExample


class GeneratedUpdate(Record):
    """An accepted update: its tests, and which of them pass with it (in their order)."""

    update: ApiUpdate
    tests_pass: list[bool]


class GeneratedExample(Record):
    """An accepted problem with all its tests, and which pass with the reference solution."""

    example: ProgSynExample
    tests_pass: list[bool]


class Rejection(Record):
    """What was given up, and why."""

    subject: str
    reason: str
