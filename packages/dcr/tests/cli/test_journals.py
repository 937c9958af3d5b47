import pytest
from tenpapers.testing import Journalled, check_journal, tiny_checkpoint, write_rows

DOCUMENT = "Ann ran home in May. Bob sat down."
REFINED = [
    {"id": "a", "document": DOCUMENT, "response": "Ann ran in June.", "refined": "Ann ran in May."},
    {"id": "b", "document": DOCUMENT, "response": "Bob stood up.", "refined": "Bob sat down."},
]
CRITIQUED = [
    {
        "id": "a",
        "document": DOCUMENT,
        "response": "Ann ran in June.",
        "gold": [{"sentence_idx": 0, "span": "June", "note": "It was May."}],
        "sentences": ["Ann ran in June."],
        "offsets": [[0, 16]],
        "support_prob": [0.2],
        "labels": [0],
        "response_ok": False,
        "detector": "x",
        "critiques": [
            {
                "sentence_idx": 0,
                "sentence": "Ann ran in June.",
                "raw": "June",
                "verdict": "unparsed",
            }
        ],
    }
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Inputs of every command, and two recorded judges that differ."""
    folder = tmp_path_factory.mktemp("given")
    write_rows(folder / "refined.jsonl", REFINED)
    write_rows(folder / "critiqued.jsonl", CRITIQUED)
    for judge, score, verdict in (("one", 4, "same error"), ("two", 2, "different error")):
        names = [f"{row}|likert|{side}" for row in "ab" for side in ("original", "refined")]
        said = [{"id": name, "text": f"The final score is {score}"} for name in names]
        said.append({"id": "a|match|0", "text": f"The verdict is {verdict}"})
        write_rows(folder / f"{judge}.jsonl", said)
    rows = [{"prompt": f"q{n}", "completion": "yes", "document": str(n)} for n in range(4)]
    write_rows(folder / "rows.jsonl", rows)
    tiny_checkpoint(folder / "base", num_hidden_layers=1)
    return folder


def no_answer(row):
    """A judgement as it is when the request failed."""
    nothing = [None] * len(row["values"])
    return row | {"values": nothing, "outcome": "failed", "error": "error: busy"}


def runs(files):
    """Every command that writes as it goes."""
    one, two = (f"replay:{files / name}.jsonl" for name in ("one", "two"))
    other_judge = (["--judge", two], f"judge {two} is not {one} of then")
    refined, critiqued, rows = (
        files / f"{name}.jsonl" for name in ("refined", "critiqued", "rows")
    )
    return {
        "evaluate": Journalled(
            ["evaluate", refined, "--metrics", "edits,likert", "--judge", one],
            ["scores.jsonl", "summary.json", "judgements.jsonl"],
            others=[
                other_judge,
                (["--metrics", "edits"], 'metrics was "edits,likert" and is "edits"'),
                (["--seed", 1], "seed was 42 and is 1"),
            ],
            changed=refined,
            failed=no_answer,
            failed_code=3,
        ),
        "evaluate-feedback": Journalled(
            ["evaluate-feedback", critiqued, "--judge", one],
            ["feedback.json", "matches.jsonl"],
            others=[other_judge, (["--judge-tokens", 9], "judge_tokens was 500 and is 9")],
            changed=critiqued,
            failed=no_answer,
            failed_code=3,
        ),
        "train": Journalled(
            ["train", "direct", rows, "--base", f"hf:{files / 'base'}", "--epochs", 1],
            ["train_state.json"],
            others=[(["--lr", 1e-3], "lr was 0.0002 and is 0.001")],
            changed=rows,
            failed=None,
            kills=1,
        ),
    }


@pytest.mark.parametrize("name", ["evaluate", "evaluate-feedback", "train"])
def test_a_command_keeps_the_promises_of_runs(files, tmp_path, name):
    check_journal("dcr", runs(files)[name], tmp_path)
