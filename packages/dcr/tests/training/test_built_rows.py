from dcr.critique.critic import CriticOptions
from dcr.distill.build import build
from dcr.distill.rows import Revised
from dcr.refine.refiner import RefinerOptions
from dcr.training.rows import read_examples
from dcr.training.settings import ROW_TYPES, WITH_CORRECT
from tenpapers.testing import write_rows

ROW = {
    "id": "a",
    "document": "Ann ran home in June. Bob sat down.",
    "response": "Ann ran home in July. Bob sat down.",
    "sentences": ["Ann ran home in July.", "Bob sat down."],
    "offsets": [[0, 21], [22, 35]],
    "support_prob": [0.1, 0.9],
    "labels": [0, 1],
    "response_ok": False,
    "detector": "x",
    "teacher_errors": [{"span": "July", "feedback": "It was June.", "fix": "June"}],
    "refinement": "Ann ran home in June. Bob sat down.",
}


def test_what_distillation_builds_trains_every_kind_of_model(tmp_path):
    built = build([Revised.model_validate(ROW)], CriticOptions(), RefinerOptions())
    file = write_rows(tmp_path / "rows.jsonl", built.rows)
    found = {name: read_examples(file, name) for name in (*ROW_TYPES.values(), WITH_CORRECT)}
    assert {name: len(rows) for name, rows in found.items()} == {
        "feedback_without_correct": 1,
        "refinement_without_correct": 1,
        "single_step": 1,
        "two_step_with_minicheck": 1,
        "feedback_with_correct": 2,
    }
    assert found["refinement_without_correct"][0].completion == ROW["refinement"]
    assert "'July'" in found["feedback_without_correct"][0].completion
    assert len({row.unit for rows in found.values() for row in rows}) == 1
