import pytest
from cfr.retrieval.encoder import Encoder

from ..retrieval.conftest import make_checkpoint


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return Encoder.load(str(make_checkpoint(tmp_path_factory.mktemp("models") / "tiny")))


@pytest.fixture(scope="module")
def minilm():
    return Encoder.load("minilm")
