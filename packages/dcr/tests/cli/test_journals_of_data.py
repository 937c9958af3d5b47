"""Commands that make data or detect keep the promises of runs."""

import pytest
from tenpapers.testing import Journalled, check_journal, write_rows

FAITHBENCH = [
    {
        "id": f"{n}",
        "source": f"Then Ann Li met Cid in Rome in 19{n}0.",
        "summary": "So then Ann Li met Cid. It was in Rome.",
        "annotations": [],
    }
    for n in range(3)
]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Three sources with a summary each, in FaithBench's form, which `detect` reads too."""
    return write_rows(tmp_path_factory.mktemp("given") / "in.jsonl", FAITHBENCH)


def runs(file, folder):
    """Every command of these rooms that writes."""
    detected = ["detect", file, "--detector", "lexical"]
    answers = write_rows(folder / "yes.jsonl", [{"id": f"{n}", "text": "Yes"} for n in range(6)])
    return {
        "prepare": Journalled(
            ["data", "prepare", "faithbench", "--src", file],
            ["instances.jsonl"],
            others=[(["--limit", 2], "limit was null and is 2")],
            changed=file,
            failed=None,
        ),
        "perturb": Journalled(
            ["data", "perturb", file],
            ["instances.jsonl"],
            others=[
                (["--seed", 3], "seed was 42 and is 3"),
                (["--with-clean"], "with_clean was false and is true"),
            ],
            changed=file,
            failed=None,
        ),
        "detect": Journalled(
            detected,
            ["detected.jsonl"],
            others=[
                (["--threshold", 0.4], "threshold was 0.5 and is 0.4"),
                (["--detector", f"llm:replay:{answers}"], "is not lexical of then"),
            ],
            changed=file,
            failed=lambda row: row | {"labels": [], "support_prob": [], "error": "error: busy"},
            failed_code=3,
        ),
    }


@pytest.mark.parametrize("name", ["prepare", "perturb", "detect"])
def test_a_command_keeps_the_promises_of_runs(file, tmp_path, name):
    (tmp_path / "given").mkdir()
    (tmp_path / "runs").mkdir()
    check_journal("dcr", runs(file, tmp_path / "given")[name], tmp_path / "runs")
