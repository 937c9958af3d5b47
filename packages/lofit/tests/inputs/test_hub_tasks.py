from lofit.inputs import hub_tasks as hub


def test_rows_of_the_hub_become_examples():
    """Published row forms (the hub itself is not reached in tests)."""
    rows = {
        "siqa": {
            "context": "Kim ran.",
            "question": "Why?",
            "answerA": "a",
            "answerB": "b",
            "answerC": "c",
            "label": "2",
        },
        "arc": {
            "question": "Q?",
            "choices": {"text": ["x", "y"], "label": ["1", "2"]},
            "answerKey": "2",
        },
        "boolq": {"passage": "P.", "question": "is it", "answer": True},
        "svamp": {"Body": "Two and two", "Question": "How many?", "Answer": 4.0},
        "triviaqa": {"question": "Who?", "answer": {"value": "Ann", "aliases": ["ann"]}},
        "nq": {"question": "who is it", "answer": ["Ann"]},
        "mmlu": {"question": "Q?", "choices": ["a", "b", "c", "d"], "answer": 3},
    }
    gold = {name: hub.convert(name, [row], "test")[0].gold[0] for name, row in rows.items()}
    assert gold == {
        "siqa": "B",
        "arc": "B",
        "boolq": "yes",
        "svamp": "4",
        "triviaqa": "Ann",
        "nq": "Ann",
        "mmlu": "D",
    }
    assert "(B) b" in hub.convert("siqa", [rows["siqa"]], "test")[0].prompt
