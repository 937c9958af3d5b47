import pytest
from codeupdatearena.sampling.settings import ExtractionSettings
from codeupdatearena.scoring.predictions import read_predictions
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

CODE = "def distance_in_metres(a, b):\n    return 1"
FENCED = f"So:\n```python\n{CODE}\n```"


@pytest.fixture
def first(mini):
    return mini.examples[0].prog_syn_id


def read(arena, folder, *rows, **options):
    file = write_rows(folder / "p.jsonl", rows)
    return read_predictions(file, arena, **{"allow_partial": True} | options)


def taken(arena, folder, *rows, **options):
    found = read(arena, folder, *rows, **options)
    return [(p.prog_syn_id, p.sample, p.code) for p in found.predictions]


def batch(name, text, **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": text}} | more
    return {"custom_id": name, "response": {"status_code": 200, "body": {"choices": [choice]}}}


ROWS = {
    "text of ours": lambda name: {"prog_syn_id": name, "sample": 0, "text": FENCED},
    "fenced code": lambda name: {"prog_syn_id": name, "sample": 0, "code": FENCED},
    "no sample": lambda name: {"prog_syn_id": name, "code": CODE},
    "OpenAI batch": lambda name: batch(name, FENCED),
    "batch of samples": lambda name: batch(f"{name}#0", FENCED),
    "chat": lambda name: {"id": name, "messages": [{"role": "assistant", "content": FENCED}]},
    "human-eval": lambda name: {"task_id": name, "completion": CODE},
    "human-eval, the body": lambda name: {"task_id": name, "completion": "    return 1"},
    "evalplus": lambda name: {"task_id": name, "solution": CODE},
    "lm-eval": lambda name: {"doc_id": 7, "doc": {"prog_syn_id": name}, "resps": [[FENCED]]},
    "prompt and completion": lambda name: {"id": name, "prompt": "x", "completion": FENCED},
}


@pytest.mark.parametrize("form", ROWS)
def test_predictions_are_taken_in_the_forms_of_the_field(mini, first, tmp_path, form):
    ((name, sample, code),) = taken(mini, tmp_path, ROWS[form](first))
    assert (name, sample) == (first, 0)
    assert code.replace("(a, b)", "").split() == CODE.replace("(a, b)", "").split() or (
        code == f"{mini.examples[0].solution_signature.strip()}\n    return 1"
    )


def test_fields_of_other_names_are_mapped(mini, first, tmp_path):
    row = {"problem": first, "try": 3, "answer": CODE}
    mapping = ["problem=prog_syn_id", "try=sample", "answer=code"]
    assert taken(mini, tmp_path, row, mapping=mapping) == [(first, 3, CODE)]
    with pytest.raises(UserError, match="--map answer=kode: THEIRS=OURS is wanted"):
        taken(mini, tmp_path, row, mapping=["answer=kode"])


def test_what_else_stands_in_a_row_is_kept(mini, first, tmp_path):
    row = {"prog_syn_id": first, "sample": 0, "code": CODE, "logprobs": [-0.5], "run": 7}
    (found,) = read(mini, tmp_path, row).predictions
    assert found.fields == {"logprobs": [-0.5], "run": 7}
    row = batch(first, FENCED) | {"mine": 1}
    (found,) = read(mini, tmp_path, row).predictions
    assert found.fields == {"mine": 1}


def test_rows_without_a_number_are_samples_in_their_order(mini, first, tmp_path):
    rows = [{"task_id": first, "solution": CODE}] * 2
    choices = [{"message": {"role": "assistant", "content": FENCED}}] * 2
    rows.append({"id": first, "choices": choices})
    assert [sample for _, sample, _ in taken(mini, tmp_path, *rows)] == [0, 1, 2, 3]


def test_an_answer_that_was_cut_off_says_so_and_one_that_failed_is_never_scored(
    mini, first, tmp_path
):
    cut = batch(f"{first}#0", "```python\nx = 1", finish_reason="length")
    failed = {"custom_id": f"{first}#1", "response": None, "error": {"message": "overloaded"}}
    found = read(mini, tmp_path, cut, failed)
    assert [(p.code, p.finish_reason) for p in found.predictions] == [("", "length")]
    assert found.failed == [f"{tmp_path / 'p.jsonl'}:2: {first}: overloaded"]
    with pytest.raises(UserError, match=r"p.jsonl:2: .*overloaded \(1 failed answers\)"):
        read(mini, tmp_path, cut, failed, allow_partial=False)
    with pytest.raises(UserError, match="no answer in this file succeeded"):
        read(mini, tmp_path, failed)


def test_code_is_extracted_as_asked(mini, first, tmp_path):
    text = f"<think>\n```python\ndraft\n```\n</think>\n{FENCED}"
    for official, code in ((False, CODE), (True, "draft")):
        settings = ExtractionSettings(official_extraction=official)
        row = {"prog_syn_id": first, "text": text}
        assert taken(mini, tmp_path, row, extraction=settings) == [(first, 0, code)]


def test_python_that_mentions_fences_stays_as_it_is(mini, first, tmp_path):
    code = "def f():\n    return '```python\\nx\\n```'"
    row = {"prog_syn_id": first, "code": code}
    assert taken(mini, tmp_path, row) == [(first, 0, code)]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"task_id": "x", "solution": "y"}, "unknown id x"),
        ({"solution": "y"}, "missing field 'prog_syn_id'"),
        ({"prog_syn_id": "FIRST", "answer": "y"}, "missing field 'code'"),
        ([1], "not a JSON object"),
    ],
)
def test_what_cannot_be_read_names_the_line(mini, first, tmp_path, row, told):
    if isinstance(row, dict) and row.get("prog_syn_id"):
        row = row | {"prog_syn_id": first}
    with pytest.raises(UserError, match=f"p.jsonl:1: .*{told}"):
        read(mini, tmp_path, row)
