import pytest
from synthesizrr.records import TextRow
from synthesizrr.students.classifiers import StudentSpec, fit, student_spec
from synthesizrr.students.train import (
    fit_oracle,
    grade,
    held_out,
    label_preservation,
    searched,
    train_student,
)
from tenpapers.errors import UserError

from ..conftest import rows


def test_grades_by_hand():
    found = grade(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    assert found.accuracy == 0.75
    assert found.confusion == {"a": {"a": 1, "b": 1}, "b": {"a": 0, "b": 2}}
    assert found.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_a_fine_tuned_student_learns_and_repeats(spec):
    first = train_student(rows(16), rows(4), spec, 2, seed=1)
    again = train_student(rows(16), rows(4), spec, 2, seed=1)
    assert first.runs == again.runs and [run["seed"] for run in first.runs] == [1, 2]
    assert first.mean > 0.9 and first.std is not None and (first.n_train, first.n_test) == (32, 8)
    assert [len(run["epochs"]) for run in first.runs] == [4, 4]
    assert train_student(rows(16), rows(4), spec, 1, curve=False).runs[0]["epochs"] == []


def test_a_probe_on_minilm():
    found = train_student(rows(8), rows(4), student_spec("probe"), 3)
    assert found.mean == 1 and found.std == 0 and found.spread == "resampled rows"
    with pytest.raises(UserError, match="no epochs"):
        fit(["x", "y"], ["a", "b"], student_spec("probe"), seed=0, on_epoch=lambda *_: None)


def test_the_search_keeps_the_best_on_validation(spec, monkeypatch):
    import synthesizrr.students.train as students

    tried = [StudentSpec("slow", spec.model, lr=1e-9, epochs=1), spec]
    monkeypatch.setattr(students, "grid", lambda _: tried)
    best, table = searched(rows(16), spec, None, seed=0)
    assert best == spec and [row["lr"] for row in table] == [1e-9, 5e-3]
    assert table[1]["accuracy"] > table[0]["accuracy"]


def test_held_out_rows_are_a_share_of_every_label():
    fitting, held = held_out(rows(10), 0.2, 0)
    assert [row.label for row in held].count("a") == [row.label for row in held].count("b") == 2
    assert len(fitting) == 16 and not {r.text for r in held} & {r.text for r in fitting}


def test_label_preservation_by_an_oracle():
    oracle = fit_oracle(rows(10), student_spec("probe"))
    good, bad = rows(4), [row.model_copy(update={"label": "a"}) for row in rows(4)]
    assert label_preservation(good, oracle)["accuracy"] == 1
    assert label_preservation(bad, oracle)["accuracy"] == 0.5
    with pytest.raises(UserError, match="does not know label c"):
        label_preservation([TextRow(text="x", label="c")], oracle)


def test_a_probe_reads_all_rows_whatever_the_seed():
    """Also as an oracle: one row of a label that a bootstrap sample or a split would leave out."""
    given = [*rows(6), TextRow(text="saw drill", label="c")]
    probes = [fit_oracle(given, student_spec("probe"), seed=seed) for seed in (1, 2)]
    first, second = (probe.probs(["wrench", "saw drill"]) for probe in probes)
    assert (first == second).all() and probes[0].labels == ["a", "b", "c"]
