import json

import pytest
from synthesizrr.records import Example, read_rows
from tenpapers.errors import UserError

from ..conftest import write_rows


def test_unknown_fields_travel_along(tmp_path):
    file = write_rows(tmp_path / "x.jsonl", [{"id": "a", "text": "t", "label": "l", "round": 2}])
    row = read_rows(file, Example)[0]
    assert row.unknown == {"round": 2} and json.loads(row.model_dump_json())["round"] == 2


def test_labels_and_ids_may_be_numbers_and_ids_may_lack(tmp_path):
    given = [{"id": 3, "text": "t", "label": 0}, {"text": "u", "label": True}]
    rows = read_rows(write_rows(tmp_path / "x.jsonl", given), Example)
    assert [(row.id, row.label) for row in rows] == [("3", "0"), ("row-2", "true")]
    file = write_rows(tmp_path / "y.jsonl", [{"text": "t", "category": 0}])
    with pytest.raises(UserError, match=r"missing field 'label'; it has text, category, id"):
        read_rows(file, Example)
