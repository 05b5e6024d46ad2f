"""The one root of every error a user can cause, and the two this package raises.

An error carries one line of cause and one line of cure; the command line prints the two and ends
with ``exit_code``. Errors that speak of files, studies and databases derive from the same root
higher up.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class KwsearchError(Exception):
    """Root of all errors that have a cure.

    Attributes:
        cause: what is wrong: the value and the rule it breaks.
        cure: the next step for the person who reads it.
        exit_code: how the process ends if nobody handles the error.
    """

    exit_code: int = 1

    def __init__(self, cause: str, cure: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.cause} {self.cure}".strip()

    def __reduce__(self) -> tuple[type["KwsearchError"], tuple[str, str]]:
        return type(self), (self.cause, self.cure)


class InputError(KwsearchError):
    """Something given by the user cannot be taken as it is."""

    exit_code = 2


class InfeasibleError(InputError):
    """A configuration whose network cannot be built; the cause names the site and the sizes."""


def plural(number: int, noun: str, many: str | None = None) -> str:
    """``1 trial``, ``2 trials``, and ``2 classes`` where ``many`` says so."""
    return f"{number:,} " + (noun if number == 1 else many or f"{noun}s")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest known word, or an empty string."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
