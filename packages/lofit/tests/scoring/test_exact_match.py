import json

import pytest
from lofit.scoring.exact_match import exact_match


@pytest.mark.acceptance
def test_the_exact_match_fixture(data):
    """12 rows, both rules."""
    rows = [json.loads(line) for line in (data / "fixtures" / "em.jsonl").read_text().splitlines()]
    assert len(rows) == 12
    for row in rows:
        for mode in ("strict", "normalized"):
            found = exact_match(
                row["task"], row["completion"], row["labels"], strict=mode == "strict"
            )
            assert found == row[mode], (row, mode)


def test_strict_looks_after_the_last_marker():
    assert exact_match("mquake", "Paris\nQ: x\nA:rome", ["Paris"], strict=True) == 0
    assert exact_match("mquake", "Paris\nQ: x\nA:rome", ["Paris"]) == 1
