from synthesizrr.records import Synthetic
from synthesizrr.scoring.faithfulness import judge_rows, sentences, verdict_share


def test_the_judge_counts_what_it_cannot_read(tmp_path, teacher):
    assert sentences("One. Two! Three") == ["One.", "Two!", "Three"]
    assert verdict_share("1: yes\n2. No\n3) yes, it is", 3) == 2 / 3
    assert verdict_share("1: yes\n1: no", 1) == 1
    assert verdict_share("1: yes", 2) is None and verdict_share("maybe", 1) is None
    rows = [Synthetic(id="a", text="A b.", label="x", context="C d. E f.")]
    found = judge_rows(rows, teacher)
    assert found.rows == 1 and 0 <= found.unreadable <= 2
