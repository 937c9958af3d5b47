import json

import pytest
from dcr import open_detector
from tenpapers.models.minicheck import NAMES


def test_the_published_example(data):
    """Where the hub's model is on this machine."""
    from huggingface_hub import try_to_load_from_cache

    name = "minicheck-flan-t5-large"
    if not isinstance(try_to_load_from_cache(NAMES[name], "config.json"), str):
        pytest.skip(f"{NAMES[name]} is not on this machine")
    given = json.loads((data / "minicheck_fixture.json").read_text())
    with open_detector(name) as detector:
        found = detector.score([(given["document"], claim) for claim in given["claims"]])
    assert found.probs == pytest.approx(given["probs"], abs=0.002)
    assert [int(prob > detector.threshold) for prob in found.probs] == given["labels"]
