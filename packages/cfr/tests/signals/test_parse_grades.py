import pytest
from cfr.signals.parse_grades import Grades, parse_grades


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ('{"1": 2, "2": 0, "3": 1}', Grades({1: 2, 2: 0, 3: 1}, 0)),
        ('Sure! Here: {"1": 2} and that is all.', Grades({1: 2}, 0)),
        ('```json\n{\n "1": "0",\n "2": 2.0\n}\n```', Grades({1: 0, 2: 2}, 0)),
        ('{"grades": {"[1]": 1, "Window 3": 2}}', Grades({1: 1, 3: 2}, 0)),
        ('{"1": {"grade": 2, "why": "dates"}}', Grades({1: 2}, 0)),
        # A grade of 3, the 11th of 10 windows, a truth value: ignored and counted.
        ('{"1": 3, "11": 2, "2": true, "4": 1}', Grades({4: 1}, 3)),
        ('{"0": 2, "5": 1}', Grades({5: 1}, 1)),
        # Taken back: the last object that speaks of windows counts.
        ('{"1": 0} Wait. {"1": 2} {"note": "done"}', Grades({1: 2}, 0)),
    ],
)
def test_grades_are_read_where_they_are(reply, found):
    assert parse_grades(reply, 10) == found


@pytest.mark.parametrize("reply", ["", "I cannot do that.", "{}", '{"1": 2', "[1, 2]", "{" * 9999])
def test_what_has_no_grades_has_none(reply):
    assert parse_grades(reply, 10) is None
