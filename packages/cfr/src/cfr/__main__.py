"""`python -m cfr`."""

from .cli.main import main

main()
