"""SynthesizRR: labelled data sets by retrieval and refinement, and metrics of any data set.

```python
from synthesizrr import entity_entropy, self_bleu

self_bleu([text.split() for text in texts]).mean[5]
```
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
