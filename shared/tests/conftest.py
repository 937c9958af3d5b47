import pytest


@pytest.fixture(scope="session")
def smollm2():
    """The embedded model, loaded once."""
    from tenpapers.generation.hf import HFBackend
    from tenpapers.models import parse_spec

    return HFBackend.load(parse_spec("smollm2"))
