from tocot.answering.cue_wordings import variants_table


def test_the_table_of_wordings():
    class Row:
        def __init__(self, correct):
            self.correct = correct

    rows = variants_table({"csqa": {"steps": [Row(True), Row(False)], "plan": [Row(True)] * 2}})
    wanted = {
        "task": "csqa",
        "n": 2,
        "steps": 50.0,
        "plan": 100.0,
        "min": 50.0,
        "max": 100.0,
        "spread": 50.0,
        "best": "plan",
    }
    assert rows == [wanted]
