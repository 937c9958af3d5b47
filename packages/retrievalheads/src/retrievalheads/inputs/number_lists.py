"""Lists of whole numbers as users write them."""

from tenpapers.errors import UserError


def whole_numbers(text: str, option: str) -> list[int]:
    """Whole numbers with commas between them.

    Raises
    ------
    UserError : anything else.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{option} {text}: not a list of whole numbers", "e.g. 0,5,10") from None
