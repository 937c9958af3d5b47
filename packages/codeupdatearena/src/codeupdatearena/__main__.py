"""`python -m codeupdatearena`."""

from .cli.main import main

main()
