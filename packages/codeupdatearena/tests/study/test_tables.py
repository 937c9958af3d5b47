from codeupdatearena.records import Report
from codeupdatearena.study.tables import Run, breakdown, by_action_and_place, by_package, by_type


def reports(*names, **update):
    return [
        Report(
            prog_syn_id=name,
            sample=0,
            with_update=["passed"],
            without_update=["assert"],
            all_pass_with=True,
            all_pass_without=False,
            exclusive=True,
            **update,
        )
        for name in names
    ]


def rows(rule, found):
    return breakdown([Run("m", {}, found)], rule, "by x", "UPass@1", [1]).rows


def test_groups_are_those_of_the_update_whatever_the_ids_look_like():
    update = {"update_id": "floor", "package": "shop", "update_type": "add-argument-semantics"}
    found = reports("floor/0", "floor/1", **update)
    assert rows(by_package, found) == [["shop", 2, 100.0]]
    assert rows(by_type, found) == [["add-argument-semantics", 2, 100.0]]
    assert rows(by_action_and_place, found) == [["add-argument", 2, 100.0]]


def test_reports_that_do_not_name_their_update_are_read_by_ids_in_the_papers_form():
    found = reports("[math.hypot]:[add-argument]:[update-0]:[prog_syn-1]", "floor/0")
    assert rows(by_package, found) == [["math", 1, 100.0], ["unknown", 1, 100.0]]
    assert rows(by_type, found) == [["add-argument", 1, 100.0], ["unknown", 1, 100.0]]
