import json

from synthesizrr.records import Example, read_rows

from ..conftest import write_rows


def test_unknown_fields_travel_along(tmp_path):
    file = write_rows(tmp_path / "x.jsonl", [{"id": "a", "text": "t", "label": "l", "round": 2}])
    row = read_rows(file, Example)[0]
    assert row.unknown == {"round": 2} and json.loads(row.model_dump_json())["round"] == 2
