import numpy as np
import pytest
from codeupdatearena.editing.settings import ArmSettings
from codeupdatearena.editing.training_sets import (
    EditPlan,
    random_target,
    training_examples,
    training_texts,
)
from codeupdatearena.inputs.arena import Arena
from tenpapers.errors import UserError

from ..conftest import four_examples


@pytest.mark.parametrize(("i", "expected"), [(0, [2, 3]), (1, [0, 3]), (2, [0, 1]), (3, [1, 2])])
def test_an_edit_trains_on_the_two_examples_before_in_cyclic_order(mini, i, expected):
    four = four_examples(mini)
    assert training_examples(four, i) == [four[j] for j in expected]


def test_two_examples_are_too_few(mini):
    with pytest.raises(UserError, match="2 examples, an edit needs three"):
        training_examples(four_examples(mini)[:2], 0)


def test_a_plan_gives_the_texts_of_its_arm_and_of_no_other_example(mini):
    example = mini.examples[1]
    plan = EditPlan.of(mini, ArmSettings(arm="ft-ups"))
    texts = [text.text for text in plan.texts(example)]
    assert [example.scenario in text for text in texts] == [False, False]
    assert [example.update.docstring in text for text in texts] == [True, True]
    group = mini.by_update()[example.update.update_id]
    assert [text.text[text.start :] for text in plan.texts(example)] == [
        f"[PYTHON]\n{group[j].ref_solution}\n[/PYTHON]" for j in (0, 2)
    ]
    (alone,) = training_texts("ft-u", group, 1, demo=None)
    assert alone.start == 0 and example.update.docstring in alone.text


def test_random_targets_come_from_the_map_or_are_drawn_from_other_functions(mini):
    groups = Arena(mini.examples).by_update()
    names = list(groups)
    assert random_target(names[0], groups, {names[0]: names[2]}, None) == (names[2], False)
    rng = np.random.default_rng(0)
    for _ in range(20):
        target, drawn = random_target(names[0], groups, {names[0]: "[absent]"}, rng)
        assert drawn and target != names[0]
