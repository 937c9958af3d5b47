"""`python -m synthesizrr`."""

from .cli import main

main()
