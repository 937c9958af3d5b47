from synthesizrr.study.claims import RowNumbers, compare_arms, llm_written, numbered, verdicts
from tenpapers.paper import load_paper


def test_claims_are_said_to_hold_or_not():
    gold = RowNumbers(2.0, 4.0, 99.0, 80.0, 1.0, 95.0)
    ours = RowNumbers(2.5, 3.9, 90.0, 70.0, 2.0, 71.0)
    theirs = RowNumbers(5.0, 3.0, 90.04, 75.0, None, 70.0)
    found = compare_arms({"Gold": gold, "a": ours, "b": theirs}, "a", "b")
    lines = numbered(found)
    said = ["holds", "holds", "cannot be told at this size", "does not hold", "does not hold"]
    assert all(f": {word}" in line for word, line in zip(said, lines, strict=True))
    assert "(2.5 against 5.0; Gold 2.0)" in lines[0]
    judged = verdicts(found)
    assert [verdict for verdict, _ in judged.values()] == [
        "shown",
        "shown",
        "not testable here",
        "not shown",
        "not shown",
    ]
    assert judged["diversity"][1] == "SynthesizRR against FewGen: 2.5 against 5.0; Gold 2.0"
    assert list(judged) == [claim.id for claim in load_paper("synthesizrr").claims]
    nothing = RowNumbers(None, None, None, None, None, None)
    missing = compare_arms({"Gold": gold, "a": ours, "b": nothing}, "a", "b")
    assert all("not measured" in line for line in numbered(missing))
    assert {verdict for verdict, _ in verdicts(missing).values()} == {"not testable here"}
    assert "does not hold (9.0 against 5.0)" in llm_written({"n": 5.0, "l": 9.0}, "n", ["l"])
