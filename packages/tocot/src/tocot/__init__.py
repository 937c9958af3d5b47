"""To CoT or not to CoT: score responses, test gains, solve plans, run models.

```python
from tocot import extract, grade

found = extract("So the answer is (B).", item.public())
```
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
