from importlib.util import find_spec

import pytest
from tenpapers.generation import Request, Sampling

PROMPTS = [
    "The capital of France is",
    "def add(a, b):\n    return",
    "Water boils at a temperature of",
    "Roses are red, violets are",
    "1, 2, 3, 4,",
    "Dear Sir or Madam, I am writing to you because of",
    "The largest planet of the solar system is",
    "import numpy as np\n\ndef mean(x):",
]
needs_ray = pytest.mark.skipif(not find_spec("ray"), reason="Ray is not installed")


def greedy_requests(count=16):
    """One request a prompt."""
    return [
        Request(id=str(i), prompt=prompt, sampling=Sampling(max_tokens=count))
        for i, prompt in enumerate(PROMPTS)
    ]


@pytest.fixture(scope="session")
def expected(smollm2):
    """The text that transformers gives for every greedy request, by id."""
    return {c.id: c.text for c in smollm2.stream(greedy_requests())}
