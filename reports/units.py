"""Numbers as people read them: three significant digits, a unit, no false precision."""

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def quantity(number: float) -> str:
    """Three significant digits: ``1.23M``, ``300k``, ``999``."""
    for step, suffix in _STEPS:
        if abs(number) >= step * 0.9995:
            scaled = number / step
            places = 2 - int(f"{scaled:.2e}".partition("e")[2])  # 99,950 reads as 100k
            return f"{scaled:.{places}f}{suffix}"
    return f"{number:.0f}"


def percent(share: float, error: float | None = None) -> str:
    """A share as ``97.2 %``, with its standard error ``97.2 ± 0.4 %``, on one line for ever."""
    spread = "" if error is None else f"\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{100 * error:.1f}"
    return f"{100 * share:.1f}{spread}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """``8 s``, ``12 min``, ``3.4 h``, ``2.5 days``."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.1f} days"


def plural(number: int, noun: str) -> str:
    """``1 trial``, ``2 trials``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
