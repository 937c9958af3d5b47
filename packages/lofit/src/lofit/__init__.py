"""LoFiT: localized fine-tuning on the outputs of a few attention heads.

```python
ranking = select_heads(model, tokenizer, dataset)
adapter = tune_offsets(model, tokenizer, dataset, ranking.top(32))
adapter.save(Path("adapter"))
```
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
