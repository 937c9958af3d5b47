"""`python -m synthesizrr`."""

from .cli.main import main

main()
