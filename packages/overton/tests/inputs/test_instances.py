import pytest
from overton.inputs.instances import load_instances, queries_in
from overton.inputs.matching import queries_for
from overton.inputs.samples import load_samples
from overton.recovery.prompts import Demo, render_prompt
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

SAY = [{"role": "user", "content": "Tea?"}]


def test_prompts_come_in_the_forms_of_the_field(tmp_path):
    rows = [
        {"messages": SAY, "metadata": {"instance_id": 7}},
        {"messages": [{"role": "system", "content": "Hi"}, *SAY], "id": "b"},
        {"messages": [*SAY, {"role": "assistant", "content": "Yes"}]},
        {"prompt": " Milk? ", "topic": "drinks"},
        {"question": "Sugar?", "id": 9},
        {"instruction": "Translate.", "input": "Tee", "id": 10},
        {"instruction": "Sing.", "input": "", "id": 11},
    ]
    found = load_instances(write_rows(tmp_path / "prompts.jsonl.gz", rows))
    assert [(one.id, one.query) for one in found] == [
        (7, "Tea?"),
        ("b", "Tea?"),
        (2, "Tea?"),
        (3, " Milk? "),
        (9, "Sugar?"),
        (10, "Translate.\nTee"),
        (11, "Sing."),
    ]
    assert [turn["role"] for turn in found[1].messages] == ["system", "user"]
    assert len(found[2].messages) == 1 and found[3].fields["topic"] == "drinks"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "prompts.jsonl: no records in it"),
        ([{"prompt": "a", "id": 1}, {"prompt": "b", "id": 1}], ":2: instance 1 stands there twice"),
        ([{"text": 3}], ":1: no prompt in it; wanted: `messages`"),
        ([{"messages": [{"role": "assistant", "content": "x"}]}], ":1: no prompt in it"),
        ([{"messages": ["Tea?"]}], ":1: no prompt in it"),
    ],
)
def test_rows_without_a_prompt_are_refused(tmp_path, rows, told):
    with pytest.raises(UserError, match=told):
        load_instances(write_rows(tmp_path / "prompts.jsonl", rows))


def test_the_queries_of_a_whole_prompt_are_found_in_it(tmp_path):
    demos = [Demo("One?", "1\n# Query:\nno"), Demo("Two\n```\nlines?", "2", "S")]
    whole = render_prompt("icl", "Three?", demos)
    assert queries_in(whole) == ["One?", "Two\n```\nlines?", "Three?"]
    summed = render_prompt("icl-summary-cot", "Three?", [Demo("a", "b", "c")])
    assert queries_in(summed) == ["a", "Three?"]
    rows = [{"prompt": whole, "outputs": ["x"]}, {"messages": SAY, "outputs": ["y"]}]
    samples = load_samples(write_rows(tmp_path / "s.jsonl", rows))
    assert queries_for([0, 1], samples, None) == {0: "Three?", 1: "Tea?"}


def test_a_row_has_the_same_name_where_its_query_is_wanted(tmp_path):
    rows = [
        {"id": f"r{n}", "question_id": "q", "prompt": "Sky?", "response": text}
        for n, text in enumerate(("Blue", "Grey"))
    ]
    named = load_samples(write_rows(tmp_path / "named.jsonl", rows))
    assert queries_for(named.ids, named, None) == {"q": "Sky?"}
    rows = [{"prompt": "Sky?", "response": text} for text in ("Blue", "Grey")]
    by_prompt = load_samples(write_rows(tmp_path / "by_prompt.jsonl", rows))
    assert queries_for(by_prompt.ids, by_prompt, None) == {"Sky?": "Sky?"}


def test_a_response_called_text_is_no_query(tmp_path):
    samples = load_samples(write_rows(tmp_path / "m.jsonl", [{"id": 1, "text": "Blue"}]))
    with pytest.raises(UserError, match="does not say what instance 1 was asked"):
        queries_for(samples.ids, samples, None)
