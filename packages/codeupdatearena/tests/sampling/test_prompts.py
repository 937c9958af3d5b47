import pytest
from codeupdatearena import render
from codeupdatearena.sampling.prompts import answer_start, demonstration, fill
from tenpapers.errors import UserError


def test_base_has_task_demonstration_and_question_and_prepend_the_update_first(mini):
    example, demo = mini.examples[0], demonstration()
    base = render(example, demo, False, True, False)
    prepend = render(example, demo, True, True, False)
    assert "[DOC]" not in base and prepend.index("[DOC]") < prepend.index("Scenario:")
    assert prepend.endswith(base.removeprefix("[INST] "))
    assert base.index(demo.scenario) < base.index(demo.ref_solution) < base.index(example.scenario)
    assert base.count("[TEST]") == 2 and base.count("[PYTHON]\n") == 1
    assert base.startswith("[INST]") and base.rstrip().endswith("[/INST]")
    assert example.unit_tests[0] in base and example.unit_tests[1] not in base
    assert example.ref_solution not in base


def test_training_texts(mini):
    example, demo = mini.examples[0], demonstration()
    only_update = render(example, demo, True, False, False)
    assert only_update.startswith("[INST]") and only_update.endswith("[/INST]")
    assert example.scenario not in only_update
    text = render(example, demo, False, True, True)
    answer = text[answer_start(text, example) :]
    assert answer == f"[PYTHON]\n{example.ref_solution}\n[/PYTHON]"
    assert text[: answer_start(text, example)].endswith("Response:\n")


def test_a_users_template_replaces_ours_and_a_broken_one_is_told(mini, tmp_path):
    (tmp_path / "task.jinja").write_text("MY TASK")
    assert "MY TASK" in render(mini.examples[0], None, False, True, False, folder=tmp_path)
    (tmp_path / "header.jinja").write_text("{{ nothing }}")
    with pytest.raises(UserError, match="header.jinja: 'nothing' is undefined"):
        fill("header", tmp_path)
