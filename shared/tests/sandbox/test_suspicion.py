import pytest
from tenpapers.sandbox import Program, SandboxPool, summary_line
from tenpapers.sandbox.suspicion import suspicions


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(x):\n    return x + 1", ()),
        ("import torch\ndef f(m):\n    return list(m.modules())", ()),
        ("class Point:\n    def norm(self): return 1", ()),
        ("import sys\nsys._getframe(1).f_back", ("_getframe", "f_back")),
        ("import gc\ndef f(): return gc.get_objects()", ("gc", "get_objects")),
        ("import os\nos._exit(0)", ("_exit",)),
        ("class Yes:\n    def __eq__(self, other): return True", ("Yes.__eq__",)),
        ("class Yes:\n    __eq__ = lambda self, other: True", ("Yes.__eq__",)),
        ("class Yes: pass\nYes.__eq__ = lambda self, other: True", ("__eq__",)),
        ("class Yes: pass\nsetattr(Yes, '__eq__', lambda *_: True)", ("__eq__",)),
        ("from unittest.mock import ANY\ndef f(): return ANY", ("unittest",)),
        ("import unittest.mock as m\ndef f(): return m.ANY", ("unittest",)),
        ("class Close(float): pass", ("class Close(float)",)),
        ("F = float\nclass Close(F): pass", ("class Close(F)",)),
        ("class Close(type(1.0)): pass", ("class Close(type(1.0))",)),
        ("def same(a, b): return a.__eq__(b)", ()),
        ("Yes = type('Yes', (), {'__' + 'eq__': lambda *_: True})", ("class by type()",)),
        ("def f(x): return type(x)(x)", ()),
        ("def (", ()),
    ],
)
def test_what_an_honest_solution_has_no_use_for_is_found(source, found):
    assert suspicions(source) == found


def test_a_program_that_passes_by_claiming_equality_is_counted_and_its_verdict_stays():
    lie = "class Yes:\n    def __eq__(self, other): return True\ndef f(x): return Yes()"
    programs = [
        Program("lie", (("solution", lie),), ("assert f(1) == 2",)),
        Program("caught", (("solution", lie),), ("assert f(1) is 2",)),
        Program("ours", (("probe", lie), ("solution", "y = 1")), ("assert y == 1",)),
    ]
    with SandboxPool(workers=1) as pool:
        found = {
            verdict.key: (verdict.statuses, verdict.suspicious) for verdict in pool.run(programs)
        }
        assert found == {
            "lie": (("passed",), ("Yes.__eq__",)),
            "caught": (("assert",), ()),
            "ours": (("passed",), ()),
        }
        told = pool.summary()
        assert told == {"barrier": pool.barrier, "counts": {"programs": 3, "suspicious": 1}}
        assert summary_line(told) == f"Sandbox: {pool.barrier} (programs: 3, suspicious: 1)."
