"""`python -m dcr`."""

from .cli.main import main

main()
