"""Retrieval heads: find, compare, knock out and patch them; synthetic long-context data.

```python
examples = load_examples(Path("dev.jsonl"))
scores = detect(model, tokenizer, examples)
ranked(scores)[:10]
```
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .comparison import compare
    from .correlation import spearman
    from .detection import detect
    from .head_scores import HeadScores, head_set, ranked
    from .knocking import knockout
    from .patching import patched_generate
    from .records import Example, load_examples
    from .rendering import render
    from .rope import ntk_theta
    from .spans import token_spans

_PLACES = {
    "Example": "records",
    "HeadScores": "head_scores",
    "compare": "comparison",
    "detect": "detection",
    "head_set": "head_scores",
    "knockout": "knocking",
    "load_examples": "records",
    "ntk_theta": "rope",
    "patched_generate": "patching",
    "ranked": "head_scores",
    "render": "rendering",
    "spearman": "correlation",
    "token_spans": "spans",
}
__all__ = [
    "Example",
    "HeadScores",
    "compare",
    "detect",
    "head_set",
    "knockout",
    "load_examples",
    "ntk_theta",
    "patched_generate",
    "ranked",
    "render",
    "spearman",
    "token_spans",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `--help` stays fast."""
    if name not in _PLACES:
        raise AttributeError(f"module 'retrievalheads' has no attribute {name!r}")
    return getattr(import_module(f".{_PLACES[name]}", __name__), name)
