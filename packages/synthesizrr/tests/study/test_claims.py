from synthesizrr.study.claims import (
    RowNumbers,
    compare_arms,
    llm_written,
    numbered,
    over_seeds,
    verdicts,
)
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


def test_what_another_seed_turns_round_is_not_shown():
    """Diversity holds with both seeds, students with one of them alone."""
    gold, theirs = RowNumbers(2, 4, 99, 80, 1, 95), RowNumbers(5, 3, 80, 70, None, 70)
    high, low = RowNumbers(2.5, 4, 90, 75, None, 60), RowNumbers(2.4, 4, 90, 65, None, 60)
    by_seed = {
        seed: compare_arms({"Gold": gold, "a": ours, "b": theirs}, "a", "b")
        for seed, ours in ((1, high), (2, low))
    }
    found = verdicts(over_seeds(by_seed))
    assert found["diversity"][0] == "shown" and found["students"] == (
        "not shown",
        "SynthesizRR against FewGen: seed 1: 75.0 against 70.0; seed 2: 65.0 against 70.0",
    )
