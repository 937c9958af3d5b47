"""LoFiT: localized fine-tuning on the outputs of a few attention heads.

```python
ranking = select_heads(model, tokenizer, dataset)
adapter = tune_offsets(model, tokenizer, dataset, ranking.top(32))
adapter.save(Path("adapter"))
```
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .activations import collect_head_activations
    from .adapter import LofitAdapter
    from .merging import merge
    from .model import LofitModel
    from .multiple_choice import score_multiple_choice
    from .offsets import tune_offsets
    from .ranking import HeadRanking, rank_heads
    from .records import SelectConfig, TuneConfig
    from .selection import select_heads
    from .verification import verify_merge

_PLACES = {
    "HeadRanking": "ranking",
    "LofitAdapter": "adapter",
    "LofitModel": "model",
    "SelectConfig": "records",
    "TuneConfig": "records",
    "collect_head_activations": "activations",
    "merge": "merging",
    "rank_heads": "ranking",
    "score_multiple_choice": "multiple_choice",
    "select_heads": "selection",
    "tune_offsets": "offsets",
    "verify_merge": "verification",
}
__all__ = [
    "HeadRanking",
    "LofitAdapter",
    "LofitModel",
    "SelectConfig",
    "TuneConfig",
    "collect_head_activations",
    "merge",
    "rank_heads",
    "score_multiple_choice",
    "select_heads",
    "tune_offsets",
    "verify_merge",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `--help` stays fast."""
    if name not in _PLACES:
        raise AttributeError(f"module 'lofit' has no attribute {name!r}")
    return getattr(import_module(f".{_PLACES[name]}", __name__), name)
