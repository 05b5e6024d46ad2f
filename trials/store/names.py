"""The rule on names of studies: they also name folders, so they must be harmless as paths."""

import re

from search_spaces.errors import InputError

RULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_name(text: str) -> bool:
    """Whether a study may have this name."""
    return RULE.fullmatch(text) is not None


def check_name(text: str) -> None:
    """Refuse what cannot name a study.

    Raises:
        InputError: the name breaks the rule.
    """
    if not is_name(text):
        shown = repr(text[:40] + "..." if len(text) > 100 else text)  # noqa: PLR2004 - the rule's
        raise InputError(
            f"{shown} cannot name a study: a name has 1 to 100 letters, digits, dots, hyphens or "
            "underscores, and begins with a letter or digit.",
            "Choose a name like resnet20-300k.",
        )
