"""The one exception for what a user can mend, what others say, and what no message may tell."""

import re


class UserError(Exception):
    """A mistake of the input or the environment, told in one line.

    Parameters
    ----------
    message : what is wrong, beginning with `file:line:` or an id where there is one; addresses in
        it lose user and password.
    hint : what to do about it.

    Attributes
    ----------
    exit_code : of a command that it ends: 2, or 3 where the run ended but is of no use.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = without_credentials(message)
        self.hint = without_credentials(hint)
        super().__init__(self.message, self.hint)

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


def first_line(error: BaseException) -> str:
    """What an exception says, in one line; the name of one that says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def without_credentials(text: str) -> str:
    """A text whose addresses have lost user and password, fit for messages, files and caches."""
    return re.sub(r"(?<=://)[^/?#\s]*@", "", text)
