"""Quantities and ratios as people write them, and quantities as people read them.

``6M``, ``300k``, ``1.5e6`` and ``7_400_000`` are whole numbers; ``1/4`` and ``0.25`` are ratios;
``0.5%`` is a difference of half a percentage point, and ``65%`` an accuracy, as ``0.65`` is.
Reading is exact: ``1.1M`` is 1,100,000, not what binary floating point makes of it.
"""

import re
from decimal import Decimal
from fractions import Fraction
from math import inf, nan

from reports.units import quantity
from search_spaces.errors import InputError

LARGEST = 10**15
"""Largest quantity that is read; no network has so many parameters or MACs."""

_POWERS = {"": 0, "k": 3, "m": 6, "g": 9, "b": 9, "t": 12}
_QUANTITY = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?) ?([kKmMgGbBtT]?)")
_RATIO = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)(?:/([0-9]+))?")
_POINTS = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
_ROUNDED = 999.5
"""From here on a quantity is printed with a suffix."""

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|ms|us)")
_UNITS = {"s": 0, "ms": -3, "us": -6}
_LONGEST = 40


def parse_quantity(text: str | int) -> int:
    """Read a positive whole number.

    Args:
        text: such as ``"6M"``, ``"300k"``, ``"1.5e6"`` or ``1_500_000``. Suffixes are k (10^3),
            M (10^6), G or B (10^9) and T (10^12), in either case.

    Raises:
        InputError: not a quantity, not whole, not positive, or above `LARGEST`.
    """
    written = str(text).strip() if isinstance(text, str) or abs(text) <= LARGEST else "too large"
    found = _QUANTITY.fullmatch(written) if len(written) <= _LONGEST else None
    if found is None:
        raise _not_a_quantity(written)
    digits, suffix = found.groups()
    number = Decimal(digits.replace("_", "")).scaleb(_POWERS[suffix.lower()])
    # The exponent is compared first: a power of ten is cheap to compare and dear to write out.
    if number.adjusted() > len(str(LARGEST)) or number > LARGEST:
        raise InputError(
            f"{_shown(written)} is too large for a quantity.", f"The most is {LARGEST:.0e}."
        )
    if number < 1 or number != number.to_integral_value():
        raise InputError(
            f"{_shown(written)} is not a positive whole number.",
            f"The nearest is {max(round(number), 1)}.",
        )
    return int(number)


def parse_ratio(text: str | float) -> float:
    """Read a positive ratio.

    Args:
        text: such as ``"1/4"``, ``"0.25"``, ``0.25`` or ``4``.

    Raises:
        InputError: not a number, not finite or not positive.
    """
    written = str(text).strip() if isinstance(text, str) else repr(text)[: _LONGEST + 1]
    found = _RATIO.fullmatch(written) if len(written) <= _LONGEST else None
    try:
        ratio = float(Fraction(found[1]) / int(found[2] or 1)) if found else 0.0
    except (ZeroDivisionError, OverflowError):
        ratio = 0.0
    if ratio <= 0:
        raise InputError(
            f"{_shown(written)} is not a positive ratio.", "Write it like 0.25 or '1/4'."
        )
    return ratio


def parse_share(text: str | float) -> float:
    """Read an accuracy.

    Args:
        text: a share such as ``0.65``, or per cent such as ``"65%"``.

    Raises:
        InputError: neither, or not from 0 to 1; a bare 65 is refused rather than guessed at.
    """
    written = str(text).strip() if isinstance(text, str) else repr(text)
    found = _POINTS.fullmatch(written) if len(written) <= _LONGEST else None
    share = float(Decimal(found[1]) / 100) if found else _number(written)
    if not 0 <= share <= 1:
        raise InputError(
            f"{_shown(written)} is not an accuracy from 0 to 1.", "Write it like 0.65 or 65%."
        )
    return share


def _number(written: str) -> float:
    try:
        return float(written)
    except ValueError:
        return nan


def parse_duration(text: str | float) -> float:
    """Read a time that a network may take, in seconds.

    Args:
        text: such as ``"20ms"``, ``"0.5 s"`` or ``"350us"``; from Python, seconds as a number.

    Raises:
        InputError: not a time, or not above 0; a bare number in a text is refused, as its unit
            would be a guess.
    """
    if isinstance(text, float | int):
        found, seconds = None, float(text)
    else:
        found = _DURATION.fullmatch(text.strip()) if len(text) <= _LONGEST else None
        seconds = float(Decimal(found[1]).scaleb(_UNITS[found[2]])) if found else nan
    if not 0 < seconds < inf:
        raise InputError(
            f"{_shown(str(text))} is not a time that a network can take.",
            "Write it like 20ms, 350us or 0.5s.",
        )
    return seconds


def parse_points(text: str | float) -> float:
    """Read a difference of accuracies, written in percentage points, as a share.

    Args:
        text: such as ``"0.5%"``, which is 0.005; the sign is needed, so that 0.5 is never taken for
            half of everything.

    Raises:
        InputError: not a percentage from 0 to 100.
    """
    if isinstance(text, float | int):
        return float(text)
    written = text.strip()
    found = _POINTS.fullmatch(written) if len(written) <= _LONGEST else None
    share = Decimal(found[1]) / 100 if found else None
    if share is None or share > 1:
        raise InputError(
            f"{_shown(written)} is not a number of percentage points.", "Write it like 0.5%."
        )
    return float(share)


def format_quantity(number: float) -> str:
    """Three significant digits for people: ``1.23M``, ``300k``, ``999``, ``0.5``."""
    if abs(number) >= _ROUNDED:
        return quantity(number)
    return f"{number:d}" if isinstance(number, int) else f"{number:.3g}"


def _not_a_quantity(written: str) -> InputError:
    return InputError(
        f"{_shown(written)} is not a quantity.", "Write it like 6M, 300k, 1.5e6 or 1500000."
    )


def _shown(written: str) -> str:
    return repr(written if len(written) <= _LONGEST else written[:_LONGEST] + "…")
