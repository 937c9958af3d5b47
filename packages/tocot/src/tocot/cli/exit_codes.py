"""What the exit codes of commands mean beside 0, 1 and 2."""

import typer

TOLERATED = 0.01  # share of the requests that may fail


def stop_on_errors(failed: int, total: int) -> None:
    """Exit code 3 where more than one in a hundred requests or items failed."""
    if failed > TOLERATED * total:
        raise typer.Exit(3)
