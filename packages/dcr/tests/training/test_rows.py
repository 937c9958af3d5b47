import json

import pytest
from dcr.training.rows import (
    IGNORED,
    encode_example,
    encode_examples,
    read_examples,
    split_off,
)
from tenpapers.errors import UserError
from tenpapers.generation.types import Message
from tenpapers.testing import byte_tokenizer, write_rows

TYPE = "feedback_without_correct"


@pytest.fixture(scope="module")
def tokenizer():
    """One token a byte; a turn is `<role>text</s>` behind one BOS."""
    made = byte_tokenizer()
    made.chat_template = (
        "{{ bos_token }}{% for m in messages %}<{{ m.role[0] }}>{{ m.content }}</s>{% endfor %}"
        "{% if add_generation_prompt %}<a>{% endif %}"
    )
    return made


def examples(folder, *rows):
    return read_examples(write_rows(folder / "rows.jsonl", rows), TYPE)


def test_prompts_and_completions_come_in_the_forms_of_the_field(tmp_path):
    turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    said = {"role": "assistant", "content": "a"}
    found = examples(
        tmp_path,
        {"prompt": "q", "completion": "a"},
        {"prompt": turns, "completion": [said]},
        {"messages": [*turns, said]},
        {"prompt": "q", "target": " a\n", "type": TYPE},
    )
    asked = Message(role="user", content="q")
    system = Message(role="system", content="s")
    assert [(one.messages, one.completion) for one in found] == [
        ((asked,), "a"),
        ((system, asked), "a"),
        ((system, asked), "a"),
        ((asked,), "a"),
    ]


def test_rows_of_another_type_are_passed_over_and_named_where_there_is_no_other(tmp_path):
    rows = [{"type": "single_step", "prompt": "q", "completion": "a"}] * 2
    file = write_rows(tmp_path / "rows.jsonl", rows)
    assert len(read_examples(file, "single_step")) == 2
    with pytest.raises(UserError, match=r"no row of type .*single_step \(2\)"):
        read_examples(file, TYPE)


@pytest.mark.parametrize(
    "row", [{"prompt": "q"}, {"completion": "a"}, {"prompt": "q", "completion": " "}, [1], "text"]
)
def test_a_row_without_a_prompt_or_a_completion_is_an_error_with_its_line(tmp_path, row):
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"prompt": "q", "completion": "a"}) + "\n" + json.dumps(row) + "\n")
    with pytest.raises(UserError, match=r"rows.jsonl:2: no training row"):
        read_examples(file, TYPE)


def test_the_completion_alone_is_learnt_with_the_end_of_its_turn(tmp_path, tokenizer):
    (one,) = examples(tmp_path, {"prompt": "hi", "completion": "yo"})
    tokens = encode_example(tokenizer, one)
    assert tokenizer.decode(tokens.input_ids) == "<s><u>hi</s><a>yo</s>"
    learnt = [label for label in tokens.labels if label != IGNORED]
    assert tokenizer.decode(learnt) == "yo</s>"
    assert tokens.labels[-3:] == tokens.input_ids[-3:]
    assert tokens.input_ids.count(tokenizer.bos_token_id) == 1


def test_a_template_that_writes_two_bos_is_refused(tmp_path, tokenizer):
    twice = byte_tokenizer()
    twice.chat_template = "{{ bos_token }}" + tokenizer.chat_template
    (one,) = examples(tmp_path, {"prompt": "hi", "completion": "yo"})
    with pytest.raises(UserError, match="two BOS"):
        encode_example(twice, one)


def test_without_a_template_the_completion_ends_with_eos(tmp_path):
    plain = byte_tokenizer()
    plain.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    (one,) = examples(tmp_path, {"prompt": "hi", "completion": "yo"})
    assert plain.decode(encode_example(plain, one).input_ids) == "hiyo</s>"


def test_a_row_of_too_many_tokens_is_left_out_and_counted(tmp_path, tokenizer):
    rows = examples(
        tmp_path,
        {"prompt": "hi", "completion": "yo"},  # 1 + 3 + 2 + 1 + 3 + 2 + 1 = 13 tokens
        {"prompt": "hi", "completion": "y" * 50},
        {"prompt": "ho", "completion": "no"},
    )
    found = encode_examples(tokenizer, rows, max_tokens=14)
    assert ([len(row.input_ids) for row in found.rows], found.too_long) == ([13, 13], 1)
    assert encode_examples(tokenizer, rows, max_tokens=13).too_long == 3


def test_rows_of_one_document_stay_together(tmp_path):
    rows = [{"prompt": str(n), "completion": "a", "document": str(n % 20)} for n in range(200)]
    kept, held = split_off(examples(tmp_path, *rows), 0.3, seed=1)
    assert len(kept) + len(held) == 200
    assert not {one.unit for one in kept} & {one.unit for one in held}
    assert 2 <= len({one.unit for one in held}) <= 12
    assert split_off(kept[:5], 0.0, seed=1) == (kept[:5], [])
