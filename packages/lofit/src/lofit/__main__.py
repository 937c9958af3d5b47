"""`python -m lofit`."""

from .cli.main import main

main()
