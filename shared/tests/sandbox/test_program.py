import pytest
from tenpapers.sandbox import heavy_modules


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import numpy as np", {"numpy"}),
        ("import torch\nimport numpy", {"torch"}),
        ("def f():\n    from scipy.stats import norm", {"scipy"}),
        ("import math", set()),
        ("import pandas (\n", {"pandas"}),
        ("import sympy, torch", {"sympy", "torch"}),
    ],
)
def test_heavy_modules_are_found_anywhere_in_the_text(source, modules):
    assert heavy_modules(source) == modules
