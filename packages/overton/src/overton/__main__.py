"""`python -m overton`."""

from .cli.main import main

main()
