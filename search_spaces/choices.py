"""What one dimension of a space can take: a range of numbers or a few options."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, floor, isfinite, log, log10

from search_spaces.errors import InputError

Value = float | int | str | bool
"""What one dimension of a space can take."""

DIGITS = 4
"""Significant digits of a number drawn from a range: more would tell no two networks apart."""


def rounded(value: float) -> float:
    """``value`` with `DIGITS` significant digits."""
    if value == 0:
        return 0.0
    return round(value, DIGITS - 1 - floor(log10(abs(value))))


@dataclass(frozen=True, slots=True)
class FloatRange:
    """Every number from ``low`` to ``high``; with ``log``, uniform in its logarithm."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (isfinite(self.low) and isfinite(self.high) and self.low < self.high):
            raise InputError(f"The range {self.low} to {self.high} is empty.", "Set low < high.")
        if self.log and self.low <= 0:
            raise InputError(
                f"The logarithmic range from {self.low} reaches below zero.",
                "Set low > 0, or log = false.",
            )

    def at(self, share: float) -> float:
        """The value ``share`` (0 to 1) of the way from ``low`` to ``high``."""
        if self.log:
            value = exp(log(self.low) + share * (log(self.high) - log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        return min(max(rounded(value), self.low), self.high)

    def share(self, value: float) -> float:
        """How far (0 to 1) from ``low`` to ``high`` a value lies; undoes `at`."""
        if self.log:
            return log(value / self.low) / log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Options:
    """A few distinct values, in the order in which they were written."""

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise InputError("A choice among no values cannot be made.", "List one or more.")
        repeated = {v for v in self.values if self.values.count(v) > 1}
        if repeated:
            raise InputError(
                f"The options {list(self.values)} repeat {sorted(map(str, repeated))}.",
                "List each value once.",
            )

    def __iter__(self) -> Iterator[Value]:
        return iter(self.values)

    @property
    def fixed(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.values) == 1

    def at(self, share: float) -> Value:
        """The option ``share`` (0 to 1) of the way through the list."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]

    def share(self, value: Value) -> float:
        """The middle of the shares for which `at` gives this value."""
        return (self.values.index(value) + 0.5) / len(self.values)


Choice = FloatRange | Options
