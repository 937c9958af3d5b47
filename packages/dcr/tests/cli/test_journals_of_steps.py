import json

import pytest
from tenpapers.testing import (
    Journalled,
    check_journal,
    command,
    kill_process,
    read_rows,
    write_rows,
)

from ..by_hand import DOCUMENT, detected

WRONG = "Ann ran home in July. Bo sat down."
ERROR = {"span": "July", "type": "Contradiction", "feedback": "It was June.", "fix": "June"}
NAMES = ("a", "b", "c")


def said(model):
    """Words of a model for every request there is."""
    texts = {
        "critique|0": f"{model}.\nThe error span is: 'July'\nChange it to 'June'",
        "critique|1": "no error",
        "refine|0": WRONG.replace("July", "June"),
        "initial": f"{model} ran home in July.",
        "feedback": json.dumps([ERROR]),
        "revise": WRONG.replace("July", "June"),
    }
    return [
        {"id": f"{name}|{what}", "text": text} for name in NAMES for what, text in texts.items()
    ]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Inputs of every step, and two recorded models that differ."""
    folder = tmp_path_factory.mktemp("given")
    rows = [detected(WRONG, [0, 1], id=name).model_dump(mode="json") for name in NAMES]
    instances = [{"id": name, "document": DOCUMENT, "response": WRONG} for name in NAMES]
    labelled = [row | {"sent_wise_labels": [0, 1], "summary_factual": False} for row in rows]
    write_rows(folder / "instances.jsonl", instances)
    write_rows(folder / "detected.jsonl", rows)
    write_rows(folder / "documents.jsonl", [{"id": n, "document": DOCUMENT} for n in NAMES])
    # of responses that begin alike all would be filler
    own = [row | {"response": f"{row['id']} ran home. {row['id']} sat."} for row in instances]
    write_rows(folder / "initial.jsonl", own)
    write_rows(folder / "filtered.jsonl", labelled)
    taught = [row | {"teacher_errors": [ERROR]} for row in labelled]
    write_rows(folder / "feedback.jsonl", taught)
    mended = WRONG.replace("July", "June")
    write_rows(folder / "revised.jsonl", [row | {"refinement": mended} for row in taught])
    for model in ("one", "two"):
        write_rows(folder / f"{model}.jsonl", said(model))
    critic = f"replay:{folder / 'one.jsonl'}"
    command("dcr", "critique", folder / "detected.jsonl", "--critic", critic, "--out", folder)
    return folder


def no_labels(row):
    """A detected row as it is when the detector gave no answer."""
    return row | {"error": "busy", "labels": [], "support_prob": [], "response_ok": False}


def runs(files):
    """Every step that writes as it goes."""
    one, two = (f"replay:{files / name}.jsonl" for name in ("one", "two"))

    def another(role):
        return [f"--{role}", two], f"{role} {two} is not {one} of then"

    given = {path.stem: path for path in files.glob("*.jsonl")}
    timed = ("timings",)
    refine = ["refine", given["instances"], "--detector", "lexical", "--threshold", 0.9999]
    return {
        "refine": Journalled(
            [*refine, "--critic", one, "--refiner", one],
            ["detected.jsonl", "critiqued.jsonl", "refined.jsonl"],
            others=[
                another("critic"),
                another("refiner"),
                (["--recipe", "feed_refine"], 'recipe was "dcr" and is "feed_refine"'),
                (["--threshold", 0.5], "threshold was 0.9999 and is 0.5"),
                (["--samples", 2], "samples was 1 and is 2"),
            ],
            changed=given["instances"],
            failed=no_labels,
            failed_code=3,
            ignored=timed,
            kills=5,
        ),
        "critique": Journalled(
            ["critique", given["detected"], "--critic", one],
            ["critiqued.jsonl"],
            others=[
                another("critic"),
                (["--all-sentences"], "all_sentences was false and is true"),
                (["--critique-parts", "span"], 'parts was "span,reason,fix" and is "span"'),
            ],
            changed=given["detected"],
            failed=None,
            ignored=timed,
        ),
        "apply": Journalled(
            ["apply", given["critiqued"], "--refiner", one],
            ["refined.jsonl"],
            others=[another("refiner"), (["--temperature", 0], "temperature was 0.6 and is 0.0")],
            changed=given["critiqued"],
            failed=None,
            ignored=timed,
        ),
        "distill generate": Journalled(
            ["distill", "generate", given["documents"], "--model", one],
            ["initial.jsonl"],
            others=[another("model"), (["--seed", 1], "seed was 42 and is 1")],
            changed=given["documents"],
            failed=None,
        ),
        "distill filter": Journalled(
            ["distill", "filter", given["initial"], "--detector", "lexical"],
            ["filtered.jsonl"],
            others=[(["--limit", 2], "limit was null and is 2")],
            changed=given["initial"],
        ),
        "distill feedback": Journalled(
            ["distill", "feedback", given["filtered"], "--teacher", one],
            ["feedback.jsonl"],
            others=[another("teacher")],
            changed=given["filtered"],
            failed=None,
        ),
        "distill revise": Journalled(
            ["distill", "revise", given["feedback"], "--teacher", one],
            ["revised.jsonl"],
            others=[another("teacher")],
            changed=given["feedback"],
            failed=None,
        ),
        "distill build": Journalled(
            ["distill", "build", given["revised"]],
            ["train.jsonl"],
            others=[(["--critique-parts", "span"], 'parts was "span,reason,fix" and is "span"')],
            changed=given["revised"],
            kills=2,
        ),
    }


STEPS = ["refine", "critique", "apply"]
STAGES = ["generate", "filter", "feedback", "revise", "build"]


@pytest.mark.parametrize("name", [*STEPS, *(f"distill {stage}" for stage in STAGES)])
def test_a_step_keeps_the_promises_of_runs(files, tmp_path, name):
    check_journal("dcr", runs(files)[name], tmp_path)


def test_a_killed_process_goes_on_to_the_same_file(files, tmp_path):
    case = runs(files)["refine"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command("dcr", *case.arguments, "--out", whole)
    arguments = [*case.arguments, "--out", killed]
    kill_process("dcr", *arguments, file=killed / "refined.jsonl", lines=1)
    before = read_rows(killed / "refined.jsonl")
    assert 0 < len(before) < 3
    command("dcr", *arguments)
    assert case.content(killed) == case.content(whole)
    assert read_rows(killed / "refined.jsonl")[: len(before)] == before
