import pytest

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"),
]


def test_a_student_and_an_encoder_on_the_gpu(tiny_encoder):
    from synthesizrr.sourcing.retrieve import embed
    from synthesizrr.students.classifiers import StudentSpec, fit

    texts, labels = ["apple pie", "steel nail"] * 8, ["a", "b"] * 8
    spec = StudentSpec("tiny", str(tiny_encoder), lr=5e-3, micro_batch=8, epochs=4)
    fitted = fit(texts, labels, spec, seed=0)
    assert fitted.model.device.type == "cuda"
    assert fitted.probs(texts).argmax(axis=1).tolist() == [0, 1] * 8
    assert embed(texts, str(tiny_encoder)).shape == (16, 32)
