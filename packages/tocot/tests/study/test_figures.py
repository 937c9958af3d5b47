from matplotlib.figure import Figure
from tocot.study.figures import accuracy_by_group

ROWS = [
    {"group": name, "direct_guess": direct, "cot_guess": direct + 10}
    for name, direct in (
        ("Commonsense", 40.0),
        ("Symbolic", 20.0),
        ("Symbolic", 30.0),
        ("Mathematical", 60.0),
    )
]


def drawn(rows):
    return accuracy_by_group(Figure(), (1, 1, 1), rows)


def test_three_groups_are_a_radar_of_their_means():
    axes = drawn(ROWS)
    direct, cot = axes.get_lines()
    assert axes.name == "polar"
    assert list(direct.get_ydata()) == [40, 25, 60, 40] and list(cot.get_ydata()) == [
        50,
        35,
        70,
        50,
    ]


def test_one_and_two_groups_are_bars():
    for rows, names, widths in (
        (ROWS[:1], ["Commonsense"], [40, 50]),
        (ROWS[:3], ["Commonsense", "Symbolic"], [40, 25, 50, 35]),
    ):
        axes = drawn(rows)
        assert axes.name == "rectilinear"
        assert [label.get_text() for label in axes.get_yticklabels()] == names
        assert [bar.get_width() for bar in axes.patches] == widths


def test_tasks_of_no_group_are_told_and_nothing_is_drawn():
    axes = drawn([{"group": None, "direct_guess": 40.0, "cot_guess": 50.0}])
    assert not axes.axison and not axes.patches
    assert [text.get_text() for text in axes.texts] == ["No task is in one of the five groups."]
