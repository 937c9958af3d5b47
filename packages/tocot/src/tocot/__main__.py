"""`python -m tocot`."""

from .cli import main

main()
