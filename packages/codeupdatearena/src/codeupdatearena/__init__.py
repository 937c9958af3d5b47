"""CodeUpdateArena: benchmarking knowledge editing on API updates (Liu et al., 2024).

Can a code model that was edited with one update of a library function solve problems that need
the update, without reading about it? The rooms, in the order data pass them: `inputs` ->
`sampling` / `editing` -> `execution` -> `scoring` -> `study`; `synth` makes new updates and
problems.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
