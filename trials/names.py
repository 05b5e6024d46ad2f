"""The rule on names of studies: they also name folders, so they must be harmless as paths."""

import re
import reprlib

from search_spaces.errors import InputError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_name(text: str) -> bool:
    """Whether a study may have this name."""
    return NAME.fullmatch(text) is not None


def check_name(text: str) -> str:
    """Return a study's name as it is.

    Raises:
        InputError: it does not match `NAME`; the cure is the nearest name that does.
    """
    if is_name(text):
        return text
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", text[:200]).lstrip("._-")[:100]
    raise InputError(
        f"{reprlib.repr(text)} is not a study name: letters, digits, dots, dashes and underscores, "
        "100 at most, a letter or digit first.",
        f"The nearest valid name is {safe!r}." if safe else "Write it like 'first-study'.",
    )
