import pytest

from .conftest import kept

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"),
]


def test_a_run_on_the_gpu(model, tmp_path):
    from tocot.answering.run import run
    from tocot.records import TaskItem

    item = TaskItem(id="1", task="gsm8k", question="2 + 2?", answer_kind="number", gold="4")
    assert model.backend.lm.model.device.type == "cuda"
    with kept(tmp_path / "o.jsonl") as log:
        rows = run(model, [item], ["zs_direct", "zs_cot"], log, budgets=(8, 8))
    assert len(rows) == 2 and all(row.response for row in rows)
