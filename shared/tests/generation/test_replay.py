import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, open_generator


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
    [('{"id": "a"}', "r.jsonl:1: text"), ('{"id": 3, "text": "t"}', "r.jsonl:1: id"), ("[]", "id")],
)
def test_a_line_that_is_no_response_is_named(tmp_path, line, told):
    (tmp_path / "r.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match=told):
        open_generator(f"replay:{tmp_path / 'r.jsonl'}")
