import numpy as np
import pytest
from tenpapers.embedding import Encoder


@pytest.fixture(scope="session")
def encoder():
    return Encoder.load("minilm", device="cpu")


def corpus(n=64, d=16, seed=0):
    """Random vectors and their ids."""
    draw = np.random.default_rng(seed)
    return draw.standard_normal((n, d)).astype(np.float32), [f"d{i}" for i in range(n)]
