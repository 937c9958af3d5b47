"""`python -m retrievalheads`, for launchers such as torchrun."""

from .cli import main

main()
