"""Recorded answers: every form of the field gives the same completion, and is replayed."""

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Completion, Request, open_generator, recorded_answers

CHOICE = {"message": {"role": "assistant", "content": "Paris"}, "finish_reason": "stop"}
TURNS = [{"role": "user", "content": "Capital?"}, {"role": "assistant", "content": "Paris"}]
FORMS = {
    "ours": {"id": "q", "text": "Paris"},
    "ours, with what was asked": {"id": "q", "text": "Paris", "messages": TURNS},
    "OpenAI batch": {
        "id": "batch_req_1",
        "custom_id": "q",
        "response": {"status_code": 200, "body": {"id": "chatcmpl-1", "choices": [CHOICE]}},
        "error": None,
    },
    "chat completion": {"id": "q", "choices": [CHOICE]},
    "text completion": {"id": "q", "choices": [{"text": "Paris", "finish_reason": "stop"}]},
    "chat": {"id": "q", "messages": TURNS},
    "chat of TRL": {"id": "q", "prompt": TURNS[:1], "completion": TURNS[1:]},
    "prompt and completion": {"id": "q", "prompt": "Capital?", "completion": "Paris"},
    "human-eval": {"task_id": "q", "completion": "Paris"},
    "evalplus": {"task_id": "q", "solution": "Paris"},
    "lm-evaluation-harness": {"doc_id": "q", "doc": {}, "resps": [["Paris"]]},
}


@pytest.mark.parametrize("row", FORMS.values(), ids=FORMS)
def test_an_answer_is_read_in_every_form_of_the_field(row):
    answers = recorded_answers(row)
    assert answers.id == "q"
    assert answers.completions == (Completion(id="q", text="Paris", finish_reason="stop"),)


def test_what_else_stands_in_the_row_is_passed_on():
    answers = recorded_answers({"task_id": 7, "completion": "x", "logprobs": [0.4], "batch": "b"})
    assert (answers.id, answers.fields) == ("7", {"logprobs": [0.4], "batch": "b"})


def test_several_answers_of_one_row_are_its_samples():
    assert [c.text for c in recorded_answers({"doc_id": 0, "resps": [["a", "b"]]}).completions] == [
        "a",
        "b",
    ]
    body = {"choices": [{"text": "a"}, {"text": "b", "finish_reason": "length"}]}
    completions = recorded_answers({"custom_id": "q", "response": {"body": body}}).completions
    assert [(c.text, c.finish_reason) for c in completions] == [("a", "stop"), ("b", "length")]


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"custom_id": "q", "response": None, "error": {"message": "expired"}}, "expired"),
        (
            {
                "custom_id": "q",
                "response": {"status_code": 400, "body": {"error": {"message": "too long"}}},
            },
            "too long",
        ),
        ({"custom_id": "q", "response": {"body": {"choices": []}}}, "no choices"),
        ({"id": "q", "text": "", "finish_reason": "error: timeout"}, "timeout"),
    ],
)
def test_a_request_that_failed_is_a_failed_completion(row, error):
    (completion,) = recorded_answers(row).completions
    assert (completion.failed, completion.error, completion.text) == (True, error, "")


def test_a_refusal_and_a_thought_are_told_apart_from_the_answer():
    message = {"content": None, "refusal": "I can't.", "reasoning_content": "hm"}
    (refused,) = recorded_answers({"id": "q", "choices": [{"message": message}]}).completions
    assert (refused.finish_reason, refused.text, refused.reasoning) == ("refused", "I can't.", "hm")


@pytest.mark.parametrize(
    "row",
    [
        {"id": "q"},
        {"id": "q", "messages": TURNS[:1]},
        {"doc_id": 0, "resps": [[[-1.5, False]], [[-0.5, True]]]},
        {"id": "q", "completion": 3},
    ],
)
def test_a_row_without_an_answer_is_none(row):
    assert recorded_answers(row) is None


def test_replay_gives_what_was_recorded_and_fails_the_rest(tmp_path):
    file = tmp_path / "r.jsonl"
    file.write_text('{"id": "a", "text": "t", "extra": 1}\n')
    with open_generator(f"replay:{file}") as generator:
        found, missing = generator.generate([Request(id="a"), Request(id="b")])
        assert (found.text, found.finish_reason, missing.failed) == ("t", "stop", True)
        assert generator.cache is None  # recordings are their own cache
        with pytest.raises(UserError, match="cannot score"):
            generator.score("a", ["b"])


def test_what_a_recording_says_of_its_end_and_tokens_is_kept(tmp_path):
    file = tmp_path / "r.jsonl"
    file.write_text(
        '{"id": "a", "text": "t", "finish_reason": "length", "n_prompt_tokens": 3, '
        '"n_output_tokens": 4}\n'
    )
    with open_generator(f"replay:{file}") as generator:
        (found,) = generator.generate([Request(id="a")])
    assert (found.finish_reason, found.n_prompt_tokens, found.n_output_tokens) == ("length", 3, 4)


@pytest.mark.parametrize(
    ("line", "told"),
    [('{"id": "a"}', "r.jsonl:1: text"), ('{"text": "t"}', "r.jsonl:1: id"), ("[]", "id")],
)
def test_a_line_that_is_no_response_is_named(tmp_path, line, told):
    (tmp_path / "r.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match=told):
        open_generator(f"replay:{tmp_path / 'r.jsonl'}")
