import pytest
from synthesizrr.inversion.shots import draw_shots, group_shots
from synthesizrr.records import IclRow, InputRow
from tenpapers.errors import UserError


def shot(n, label="World", context="A document."):
    return IclRow(
        id=f"i{n}", label=label, example_text=f"Answer {n}.", context=context, seed_id=f"s{n}"
    )


def rows(*names, label="World"):
    return [InputRow(id=name, label=label, context="c") for name in names]


POOL = [shot(n) for n in range(6)] + [shot(n, "Sports") for n in range(10, 16)]


def test_shots_depend_on_the_input_alone():
    """Whatever order and company the inputs have."""
    inputs = rows("a", "b", "c", "d")
    first = group_shots(inputs, POOL, 3, None, seed=1)
    again = group_shots(inputs[::-1][:3], POOL[::-1], 3, None, seed=1)
    for name, chosen in again.items():
        assert [one.id for one in chosen] == [one.id for one in first[name]]
    assert all(one.label == "World" for chosen in first.values() for one in chosen)
    assert all(len({one.id for one in chosen}) == 3 for chosen in first.values())
    assert group_shots(inputs, POOL, 3, None, seed=2) != first


def test_an_input_is_never_its_own_shot():
    for name in ("i0", "i3"):
        chosen = draw_shots(rows(name)[0], {"World": POOL[:6]}, 5)
        assert len(chosen) == 5 and name not in [one.id for one in chosen]
    with pytest.raises(UserError, match="6 shots > pool"):
        draw_shots(rows("i0")[0], {"World": POOL[:6]}, 6)
    with pytest.raises(UserError, match="1 shots > pool: label 'Weather'"):
        draw_shots(rows("x", label="Weather")[0], {}, 1)


def test_groups_share_their_shots():
    inputs = rows(*(f"r{n}" for n in range(8))) + rows("q", label="Sports")
    chosen = group_shots(inputs, POOL, 2, 2)
    sets = {tuple(one.id for one in chosen[f"r{n}"]) for n in range(8)}
    assert len(sets) == 2
    assert {one.label for one in chosen["q"]} == {"Sports"}
    assert all(len(one) == 0 for one in group_shots(inputs, [], 0, 2).values())


def test_the_document_asked_about_is_no_demonstration():
    pool = [row.model_copy(update={"doc_id": f"d{n}"}) for n, row in enumerate(POOL[:6])]
    asked = [row.model_copy(update={"doc_id": "d2"}) for row in rows("a", "b", "c")]
    for groups in (None, 1):
        for chosen in group_shots(asked, pool, 5, groups).values():
            assert sorted(shot.id for shot in chosen) == ["i0", "i1", "i3", "i4", "i5"]
