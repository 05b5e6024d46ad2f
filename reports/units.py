"""Numbers as people read them: three significant digits, a unit, no false precision."""

from collections.abc import Iterable

from search_spaces.errors import plural
from trials.costs import Cost

__all__ = ["capital", "duration", "percent", "plural", "quantity", "seeds"]

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def quantity(number: float) -> str:
    """Three significant digits: ``1.23M``, ``300k``, ``999``."""
    for step, suffix in _STEPS:
        if abs(number) >= step * 0.9995:
            scaled = number / step
            places = max(2 - int(f"{scaled:.2e}".partition("e")[2]), 0)  # 99,950 reads as 100k
            return f"{scaled:.{places}f}{suffix}"
    return f"{number:.0f}"


def percent(share: float, error: float | None = None) -> str:
    """A share as ``97.2 %``, with its standard error ``97.2 ± 0.4 %``, on one line for ever."""
    spread = "" if error is None else f"\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{100 * error:.1f}"
    return f"{100 * share:.1f}{spread}\N{NO-BREAK SPACE}%"


def capital(words: str) -> str:
    """The same at the start of a sentence or as a label: ``macro F1`` is ``Macro F1``."""
    return words[:1].upper() + words[1:]


def seeds(numbers: Iterable[int]) -> str:
    """Over how many seeds several networks were trained: ``3 seeds``, ``2 to 3 seeds``."""
    found = [*numbers]
    fewest, most = min(found), max(found)
    return plural(most, "seed") if fewest == most else f"{fewest:,} to {most:,} seeds"


def duration(seconds: float) -> str:
    """``8 s``, ``12 min``, ``3.4 h``, ``2.5 days``."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.1f} days"


def brief(cost: float, kind: Cost) -> str:
    """A cost in a few characters: ``12.3k``, or ``12.3 ms`` of latency."""
    return kind.told(round(cost)) if kind is Cost.LATENCY else quantity(cost)
