"""`python -m tocot`."""

from .cli.main import main

main()
