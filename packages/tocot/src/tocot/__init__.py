"""To CoT or not to CoT: score responses, test gains, solve plans, run models.

```python
from tocot import extract, grade

found = extract("So the answer is (B).", item.public())
```
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .attribution import equals_split
    from .extraction import extract
    from .grading import grade
    from .literature import meta_analyse
    from .loading import load_task
    from .logic_solver import solve_bool, solve_fol
    from .pairing import paired_rows as paired
    from .prompting import build_messages
    from .python_solver import solve_python
    from .running import run
    from .significance import bootstrap_paired

_PLACES = {
    "bootstrap_paired": ("significance", "bootstrap_paired"),
    "build_messages": ("prompting", "build_messages"),
    "equals_split": ("attribution", "equals_split"),
    "extract": ("extraction", "extract"),
    "grade": ("grading", "grade"),
    "load_task": ("loading", "load_task"),
    "meta_analyse": ("literature", "meta_analyse"),
    "paired": ("pairing", "paired_rows"),
    "run": ("running", "run"),
    "solve_bool": ("logic_solver", "solve_bool"),
    "solve_fol": ("logic_solver", "solve_fol"),
    "solve_python": ("python_solver", "solve_python"),
}
__all__ = [
    "bootstrap_paired",
    "build_messages",
    "equals_split",
    "extract",
    "grade",
    "load_task",
    "meta_analyse",
    "paired",
    "run",
    "solve_bool",
    "solve_fol",
    "solve_python",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `--help` stays fast."""
    if name not in _PLACES:
        raise AttributeError(f"module 'tocot' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(f".{module}", __name__), attribute)
