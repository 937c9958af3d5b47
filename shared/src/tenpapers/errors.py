"""The one exception for what a user can mend."""


class UserError(Exception):
    """A mistake of the input or the environment, told in one line.

    Parameters
    ----------
    message : what is wrong, beginning with `file:line:` or an id where there is one.
    hint : what to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message
