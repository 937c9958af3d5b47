import math

import pytest
from synthesizrr.scoring.lengths import text_length


def test_lengths():
    found = text_length(["It's here.", "no"])
    assert found["mean"] == 6 and found["std"] == pytest.approx(math.sqrt(32))
    assert found["words"]["mean"] == 2.5  # It 's here . / no
    assert text_length(["a"])["std"] is None
