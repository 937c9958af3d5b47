import gzip
import json
import tracemalloc

import pytest
from overton import load_samples
from overton.inputs.samples import load_all
from overton.inputs.stored_texts import StoredTexts, TextStore
from tenpapers.errors import UserError
from tenpapers.testing import write_rows


def test_the_papers_rows_keep_failed_samples_in_their_places(tmp_path):
    rows = [
        {
            "metadata": {"instance_id": 4},
            "outputs": [
                {"generated_text": " Yes.\n```"},
                {"error": "too long", "error_type": "validation"},
                {"message": {"role": "assistant", "content": "No."}, "finish_reason": "length"},
            ],
        },
        {"metadata": {"instance_id": 7}, "ok": False},
    ]
    samples = load_samples(write_rows(tmp_path / "llama.jsonl.gz", rows))
    assert (samples.model, samples.ids) == ("llama", [4, 7])
    assert samples.texts == [["Yes.", None, "No."], [None, None, None]]
    assert (samples.failed, samples.count("length"), samples.fenced) == (4, 1, 1)
    assert list(samples.usable()) == [["Yes.", "No."]]


def test_what_has_no_closing_fence_is_unfinished_where_most_have_one(tmp_path):
    fenced = [{"generated_text": f"{n}\n```"} for n in range(3)]
    rows = [{"outputs": [*fenced, {"generated_text": "and so on"}, {"error": "busy"}]}]
    base = load_samples(write_rows(tmp_path / "base.jsonl", rows))
    assert (base.fenced, base.unfinished, base.failed) == (3, 1, 1)
    cut = {"message": {"content": "and so on"}, "finish_reason": "length"}
    rows = [{"outputs": [cut, "Yes.", "code\n```"]}, {"outputs": ["No."]}]
    chat = load_samples(write_rows(tmp_path / "chat.jsonl", rows))
    assert (chat.fenced, chat.unfinished) == (1, 1)
    assert (chat.spread(0), chat.spread(1), chat.spread(2)) == ([0, 1], [0], [0, 1])
    assert (chat.take([1]).fenced, chat.take([1]).unfinished) == (0, 0)


def test_a_files_responses_lie_on_disk(tmp_path):
    """They come back as they were, and memory holds little of each."""
    texts = [f"{n} é {'long ' * 400}".strip() for n in range(3000)]
    file = write_rows(tmp_path / "m.jsonl", ({"text": text} for text in texts))
    tracemalloc.start()
    samples = load_samples(file)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 1_000 * len(texts) < sum(map(len, texts)) / 2 + 1_000 * len(texts)
    assert [own for (own,) in samples.texts] == texts
    assert samples.texts[-1] == [texts[-1]] and samples.take([5, 2]).texts[1] == [texts[2]]


def test_half_a_surrogate_pair_is_stored_as_it_is():
    store = TextStore()
    numbers = [store.add(text) for text in ("a\ud83d", None, "", "é")]
    assert StoredTexts(store, [numbers, []]) == [["a\ud83d", None, "", "é"], []]


FORMS = {
    "prompt and response": [
        {"prompt": "Sky?", "response": "Blue"},
        {"prompt": "Sky?", "response": "Grey"},
        {"prompt": "Sea?", "response": "Green"},
    ],
    "ids that name rows": [
        {"id": "a", "prompt": "Sky?", "completion": "Blue"},
        {"id": "b", "prompt": "Sky?", "completion": "Grey"},
        {"id": "c", "prompt": "Sea?", "completion": "Green"},
    ],
    "chats": [
        {
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ]
        }
        for question, answer in (("Sky?", "Blue"), ("Sky?", "Grey"), ("Sea?", "Green"))
    ],
    "OpenAI batch output": [
        {
            "custom_id": name,
            "response": {"body": {"choices": [{"message": {"content": text}} for text in texts]}},
        }
        for name, texts in (("q0", ["Blue", "Grey"]), ("q1", ["Green"]))
    ],
    "lm-evaluation-harness": [
        {"doc_id": 0, "resps": [["Blue", "Grey"]]},
        {"doc_id": 1, "resps": [["Green"]]},
    ],
    "texts": [{"outputs": ["Blue", "Grey"]}, {"outputs": ["Green"]}],
}


@pytest.mark.parametrize("form", FORMS)
def test_what_people_have_is_read(form, tmp_path):
    samples = load_samples(write_rows(tmp_path / "mine.jsonl", FORMS[form]))
    assert samples.texts == [["Blue", "Grey"], ["Green"]]


def test_ids_stay_where_every_prompt_is_another(tmp_path):
    rows = [{"id": name, "prompt": f"{name}?", "text": "x"} for name in ("a", "b")]
    assert load_samples(write_rows(tmp_path / "m.jsonl", rows)).ids == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no records in it"),
        ('{"text": "a"}\n{"text": ', "m.jsonl:2: not JSON"),
        ('{"answer": 1}\n', "m.jsonl:1: no responses in it"),
        ("[1]\n", "m.jsonl:1: a row is an object"),
        ('{"outputs": []}\n', "m.jsonl:1: no responses in it"),
        ('{"outputs": "Blue"}\n', "m.jsonl:1: no responses in it"),
        ('{"outputs": {"text": "Blue"}}\n', "m.jsonl:1: no responses in it"),
        (
            '{"metadata": {"instance_id": 1}, "outputs": ["a"]}\n' * 2,
            "m.jsonl:2: instance 1 stands there twice",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(text, told, tmp_path):
    file = tmp_path / "m.jsonl"
    file.write_text(text)
    with pytest.raises(UserError, match=told):
        load_samples(file)


def test_a_broken_archive_and_a_missing_file_are_named(tmp_path):
    file = tmp_path / "m.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps({"text": "a" * 500}).encode())[:-12])
    with pytest.raises(UserError, match="broken gzip file"):
        load_samples(file)
    with pytest.raises(UserError, match="no such file"):
        load_samples(tmp_path / "none.jsonl")


def test_two_files_of_one_name_are_no_two_models(tmp_path):
    files = [write_rows(tmp_path / name / "m.jsonl", [{"text": "a"}]) for name in ("x", "y")]
    with pytest.raises(UserError, match="of the same name"):
        load_all(files)


def test_models_that_answer_different_questions_are_told_with_both_counts(tmp_path):
    few, many = (
        load_samples(write_rows(tmp_path / f"{n}.jsonl", [{"text": "a"}] * n)) for n in (1, 3)
    )
    with pytest.raises(UserError, match=r"3: answers 3 questions, 1 1; 1 are the same"):
        many.aligned_with(few)


def aligned(tmp_path, own, other):
    """The texts of one file's rows under the ids of another's."""
    own, other = (
        load_samples(write_rows(tmp_path / f"{name}.jsonl", rows))
        for name, rows in (("own", own), ("other", other))
    )
    found = own.aligned_with(other)
    assert found.ids == other.ids
    return list(found.texts)


OTHER = [{"prompt": "Sea?", "outputs": ["b"]}, {"prompt": "Sky?", "outputs": ["a"]}]


@pytest.mark.parametrize(
    "rows",
    [
        [{"prompt": "Sky?", "outputs": ["A"]}, {"prompt": "Sea? ", "outputs": ["B"]}],
        [{"id": n, "prompt": q, "text": t} for n, q, t in ((0, "Sky?", "A"), (1, "Sea?", "B"))],
        [{"instruction": "Sky?", "output": "A"}, {"instruction": "Sea?", "output": "B"}],
        [
            {
                "messages": [
                    {"role": "system", "content": "Be fair."},
                    {"role": "user", "content": question},
                    {"role": "assistant", "content": text},
                ]
            }
            for question, text in (("Sky?", "A"), ("Sea?", "B"))
        ],
    ],
    ids=["other order", "a table's index", "Alpaca", "with a system prompt"],
)
def test_questions_are_matched_by_their_prompts_in_whatever_order_and_form(rows, tmp_path):
    assert aligned(tmp_path, rows, OTHER) == [["B"], ["A"]]


def test_a_number_is_the_same_id_as_its_text(tmp_path):
    rows = [{"id": "1", "text": "b"}, {"id": "0", "text": "a"}]
    assert aligned(tmp_path, rows, [{"id": n, "text": "x"} for n in (0, 1)]) == [["a"], ["b"]]


def test_questions_in_other_order_of_which_one_differs_are_refused(tmp_path):
    rows = [{"prompt": "Sky?", "outputs": ["A"]}, {"prompt": "Sun?", "outputs": ["B"]}]
    with pytest.raises(UserError, match="2 are the same, their prompts are not"):
        aligned(tmp_path, rows, OTHER)


def test_prompts_that_differ_in_all_rows_are_matched_by_id(tmp_path):
    """A base model was shown examples before each."""
    rows = [{"prompt": f"Query: {name}", "outputs": [name]} for name in ("Sea?", "Sky?")]
    assert aligned(tmp_path, rows, OTHER) == [["Sea?"], ["Sky?"]]


def test_an_instruction_with_another_input_is_another_question(tmp_path):
    rows = [{"instruction": "Sum", "input": text, "output": "x"} for text in ("1 2", "3", "3")]
    assert load_samples(write_rows(tmp_path / "m.jsonl", rows)).ids == ["Sum\n1 2", "Sum\n3"]


def test_an_id_is_one_whether_it_is_a_number_or_a_word(tmp_path):
    files = [
        write_rows(tmp_path / f"{name}.jsonl", [{"id": one, "text": "a"}, {"id": two, "text": "b"}])
        for name, one, two in (("numbers", 1, 10), ("words", "1", "10"))
    ]
    numbers, words = map(load_samples, files)
    assert numbers.ids == words.ids == [1, 10]
    rows = [{"metadata": {"instance_id": name}, "outputs": ["a"]} for name in (1, "1")]
    with pytest.raises(UserError, match="instance 1 stands there twice"):
        load_samples(write_rows(tmp_path / "twice.jsonl", rows))


def test_a_null_among_the_outputs_is_a_sample_that_failed(tmp_path):
    samples = load_samples(write_rows(tmp_path / "m.jsonl", [{"outputs": ["Blue", None]}]))
    assert (samples.texts, samples.failed) == ([["Blue", None]], 1)
