import pytest
from overton.inputs.instances import load_instances
from overton.inputs.matching import queries_for, rows_of
from overton.inputs.samples import load_samples
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

TEA, CATS, TIPS = "Is tea healthy?", "Do cats sleep?", "Should one tip?"


@pytest.fixture
def match(tmp_path):
    """Places of the rows of a teacher for the rows of a file of prompts."""

    def places(prompts, teacher):
        rows = [{"outputs": ["x"], **row} for row in teacher]
        samples = load_samples(write_rows(tmp_path / "teacher.jsonl", rows))
        return rows_of(load_instances(write_rows(tmp_path / "prompts.jsonl", prompts)), samples)

    return places


def asked(*texts, **more):
    return [{"prompt": text, **more} for text in texts]


def test_ids_decide_where_both_files_have_them(match):
    prompts = [{"id": "b", "prompt": TEA}, {"id": "a", "prompt": CATS}, {"id": "c", "prompt": "?"}]
    teacher = [{"metadata": {"instance_id": "a"}}, {"question_id": "b", "prompt": "<s> tea </s>"}]
    assert match(prompts, teacher) == [1, 0, None]


def test_an_id_under_which_another_of_the_prompts_is_asked_is_no_match(match):
    prompts = [{"id": 1, "prompt": TEA}, {"id": 2, "prompt": CATS}]
    assert match(prompts, [{"id": 1, "prompt": CATS}, {"id": 2, "prompt": "Cats?"}]) == [None, 1]


@pytest.mark.parametrize("given", [{}, {"id": "b"}])
def test_what_is_asked_decides_where_a_file_has_no_ids(match, given):
    """Whatever the order of the lines, and the blanks in a prompt."""
    prompts = asked(TEA, CATS, TIPS)
    teacher = [{"prompt": f" {CATS}\n"}, {"messages": [{"role": "user", "content": TEA}], **given}]
    assert match(prompts, teacher) == [1, 0, None]


def test_ids_of_another_kind_do_not_stand_in_the_way(match):
    prompts = [{"id": "q1", "prompt": TEA}, {"id": "q2", "prompt": CATS}]
    assert match(prompts, [{"id": "r8", "prompt": CATS}, {"id": "r9", "prompt": TEA}]) == [1, 0]


def test_conversations_that_end_alike_are_told_apart(match):
    chats = [
        {"messages": [{"role": "user", "content": text}, {"role": "user", "content": "More!"}]}
        for text in (TEA, CATS)
    ]
    assert match(chats, chats[::-1]) == [1, 0]
    assert match(chats, asked("More!", TIPS)) == [0, 0]


def test_a_base_models_whole_prompt_is_known_by_its_query(match):
    document = "# Query:\n```\n{}\n```\n\n# Answer:\n```\n"
    teacher = asked(*(document.format(text) for text in (TIPS, TEA)))
    assert match(asked(TEA, CATS), teacher) == [1, None]


def test_an_id_is_a_line_where_nothing_else_is_told(match):
    assert match(asked(TEA, CATS), [{}, {}]) == [0, 1]
    assert match(asked(TEA, CATS), [{"metadata": {"instance_id": 1}}]) == [None, 0]
    # The paper's prompts have no ids, and its samples the template of a chat around each.
    teacher = [{"metadata": {"instance_id": n}, "prompt": f"[INST] {n}"} for n in (1, 0)]
    assert match(asked(TEA, CATS), teacher) == [1, 0]
    assert match(asked(TEA, CATS), asked("Sky?", "Sea?")) == [None, None]


def test_a_prompt_that_stands_there_twice_is_answered_line_by_line(match):
    assert match(asked(TEA, TEA, CATS), asked(TEA, TEA)) == [0, 1, None]


def test_queries_come_from_the_prompts_whose_text_or_id_fits(tmp_path):
    rows = [{"prompt": TEA, "outputs": ["x"]}, {"prompt": CATS, "outputs": ["y"]}]
    samples = load_samples(write_rows(tmp_path / "m.jsonl", rows))
    other_order = write_rows(tmp_path / "p.jsonl", asked(CATS, TEA, TIPS))
    assert queries_for([0, 1], samples, other_order) == {0: TEA, 1: CATS}
    assert queries_for([1], samples, None) == {1: CATS}
    lacking = write_rows(tmp_path / "q.jsonl", asked(TIPS, TEA))
    with pytest.raises(
        UserError, match=r"q.jsonl: no prompt of it is instance 1; rows are matched"
    ):
        queries_for([0, 1], samples, lacking)
