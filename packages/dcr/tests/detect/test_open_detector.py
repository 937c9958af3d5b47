import pytest
from dcr import open_detector
from tenpapers.errors import UserError
from tenpapers.testing import byte_tokenizer


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    """A folder with a random T5 that reads bytes."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(2)
    config = T5Config(
        vocab_size=259,
        d_model=32,
        d_kv=8,
        d_ff=32,
        num_layers=1,
        num_heads=2,
        decoder_start_token_id=0,
    )
    folder = tmp_path_factory.mktemp("t5")
    T5ForConditionalGeneration(config).save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


def test_a_folder_is_a_detector_with_the_threshold_given(t5):
    with open_detector(f"path:{t5}", threshold=0.3, min_words=1) as detector:
        assert (detector.name, detector.threshold, detector.min_words) == (f"path:{t5}", 0.3, 1)
        found = detector.score([("Tea is hot.", "Tea."), ("Tea is hot.", "Milk.")])
        assert found.probs.shape == (2,) and found.probs.dtype == "float32"
        assert [len(probs) for probs in found.chunk_probs] == [1, 1]


@pytest.mark.parametrize(
    ("option", "told"),
    [("dtype=float12", "unknown dtype 'float12'"), ("device=cuda:9", "device 'cuda:9'")],
)
def test_options_that_do_not_fit_are_told(t5, option, told):
    with open_detector(f"path:{t5}?{option}") as detector, pytest.raises(UserError, match=told):
        detector.score([("Tea is hot.", "Tea.")])


def test_without_a_path_the_shipped_weights_judge():
    assert open_detector("lexical").score([("Tea is hot.", "Tea is hot.")]).probs[0] > 0.5


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("minichek", "unknown detector 'minichek'; one of minicheck-flan-t5-large"),
        ("llm:", "unknown detector"),
        ("path:/nowhere", "no such folder"),
        ("lexical:/nowhere.json", "no such file"),
        ("minicheck-flan-t5-large?dtyp=x", "unknown option dtyp"),
    ],
)
def test_what_is_no_detector_is_told_with_those_that_are(spec, told):
    with pytest.raises(UserError, match=told):
        open_detector(spec)


def test_a_hub_out_of_reach_is_one_line_with_what_works_without(monkeypatch, tmp_path):
    from transformers.utils import hub

    def unreachable(*_, **__):
        raise OSError("We couldn't connect to the hub\nat all")

    monkeypatch.setattr(hub, "cached_file", unreachable)
    with pytest.raises(UserError) as caught:
        open_detector("minicheck-flan-t5-large")
    line = str(caught.value)
    assert "\n" not in line and "--detector lexical, path:FOLDER, or llm:MODEL" in line
