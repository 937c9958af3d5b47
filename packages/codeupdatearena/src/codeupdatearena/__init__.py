"""CodeUpdateArena: benchmarking knowledge editing on API updates (Liu et al., 2024).

Can a code model that was edited with one update of a library function solve problems that need
the update, without reading about it? The stages are modules, in the order data passes them:
`arena` -> `prompts` -> `generate` / `editing` -> `extraction` -> `execution` -> `metrics` ->
`tables`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
