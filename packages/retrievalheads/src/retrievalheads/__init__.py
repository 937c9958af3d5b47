"""Retrieval heads: find, compare, knock out and patch them; synthetic long-context data.

```python
examples = load_examples(Path("dev.jsonl"))
scores = detect(model, tokenizer, examples)
ranked(scores)[:10]
```
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
