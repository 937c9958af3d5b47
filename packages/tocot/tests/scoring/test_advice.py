import pytest
from tocot.scoring.advice import advise_cells
from tocot.scoring.pairs import cells

from ..conftest import graded


def test_advice():
    rows = []
    for n in range(60):
        name, even = str(n), n % 2 == 0
        more = {"task": "gain", "category": "math"}
        rows += [
            graded(name, "direct", False, new_tokens=2, **more),
            graded(name, "cot", n < 50, new_tokens=102, **more),
            graded(name, "direct", even, task="none"),
            graded(name, "cot", even, task="none"),
            graded(name, "direct", False, False, task="form", n_choices=2),
            graded(name, "cot", even, task="form", n_choices=2),
            graded(name, "direct", True, task="loss"),
            graded(name, "cot", n < 20, task="loss"),
        ]
    found = {one["task"]: one for one in advise_cells(cells(rows), resamples=10_000)}
    assert found["s/gain"]["advice"].startswith("use CoT; prefer a plan")
    assert found["s/gain"]["tokens_per_point"] == pytest.approx(100 / (500 / 6))
    assert "no gain shown" in found["s/none"]["advice"]
    assert "mend the answer format" in found["s/form"]["advice"]
    assert "CoT hurts" in found["s/loss"]["advice"]
