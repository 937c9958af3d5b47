"""SynthesizRR: labelled data sets by retrieval and refinement, and metrics of any data set.

```python
from synthesizrr import entity_entropy, self_bleu

self_bleu([text.split() for text in texts]).mean[5]
```
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenpapers.embedding import Bm25Index, search

    from .data_map import cartography
    from .matching import match_distribution
    from .metrics.bleu import SelfBleu, self_bleu
    from .metrics.closeness import mauve
    from .metrics.entities import entity_entropy, entity_stats
    from .pools import build_inputs
    from .prompts import render_prompt
    from .retrieving import embed
    from .shortening import shorten
    from .students import label_preservation, train_student

_PLACES = {
    "Bm25Index": "tenpapers.embedding",
    "SelfBleu": ".metrics.bleu",
    "build_inputs": ".pools",
    "cartography": ".data_map",
    "embed": ".retrieving",
    "entity_entropy": ".metrics.entities",
    "entity_stats": ".metrics.entities",
    "label_preservation": ".students",
    "match_distribution": ".matching",
    "mauve": ".metrics.closeness",
    "render_prompt": ".prompts",
    "search": "tenpapers.embedding",
    "self_bleu": ".metrics.bleu",
    "shorten": ".shortening",
    "train_student": ".students",
}
__all__ = [
    "Bm25Index",
    "SelfBleu",
    "build_inputs",
    "cartography",
    "embed",
    "entity_entropy",
    "entity_stats",
    "label_preservation",
    "match_distribution",
    "mauve",
    "render_prompt",
    "search",
    "self_bleu",
    "shorten",
    "train_student",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `--help` stays fast."""
    if name not in _PLACES:
        raise AttributeError(f"module 'synthesizrr' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name], __name__), name)
