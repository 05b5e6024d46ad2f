"""Points of (cost, error) and the hypervolume of a front of them; both are minimised.

Error is 1 - accuracy: signs flip once, where a trial becomes a `Point`.
"""

from collections.abc import Iterable
from enum import StrEnum
from math import log
from typing import NamedTuple, Self


class Point(NamedTuple):
    """One measured network; points sort by cost, then error, then trial number."""

    cost: int
    error: float
    number: int

    @classmethod
    def of(cls, cost: int, accuracy: float, number: int) -> Self:
        """The point of a trial."""
        return cls(cost, 1.0 - accuracy, number)


class Scale(StrEnum):
    """How hypervolume measures sizes.

    Taken linearly, from 0, the first small network holds nearly all of the area, so that it hardly
    tells searches apart: so measured earlier versions, and so it is for those who ask for it.
    """

    LOG = "log"
    LINEAR = "linear"


class Area(NamedTuple):
    """The area that a study's hypervolume is a share of; fixed when the study is created.

    Attributes:
        low: smallest cost, see `trials.costs`; a smaller network counts as if it had this one.
        high: largest cost, at least `low`: the budget.
        floor: accuracy that counts as nothing, from 0 up to but not including 1.
    """

    low: int
    high: int
    floor: float

    @classmethod
    def around(cls, areas: Iterable[Self]) -> Self:
        """The smallest area that has all of these inside; there is at least one."""
        lows, highs, floors = zip(*areas, strict=True)
        return cls(min(lows), max(highs), min(floors))

    def hypervolume(self, points: Iterable[Point], scale: Scale = Scale.LOG) -> float:
        """Mean height of the front over sizes, from 0 to 1.

        The height at a size is the accuracy of the best network of at most that size, as a share
        of the way from the floor to 1. The mean is over the logarithm of sizes from `low` to
        `high`, and where these are equal the height there; or, linearly, over sizes from 0.
        """
        inside = [p for p in points if p.cost <= self.high and p.error < 1 - self.floor]
        if scale is Scale.LINEAR:
            return self._share([(float(p.cost), p.error) for p in inside], float(self.high))
        if self.low == self.high:
            return self._share([(0.0, p.error) for p in inside], 1.0)
        pairs = [(log(max(p.cost, self.low) / self.low), p.error) for p in inside]
        return self._share(pairs, log(self.high / self.low))

    def _share(self, inside: list[tuple[float, float]], width: float) -> float:
        """Share of the rectangle up to ``width`` and the floor that these points dominate."""
        import moocore  # noqa: PLC0415 - it loads numpy, which most that ask a database need not

        height = 1 - self.floor
        if not inside:
            return 0.0
        return float(moocore.hypervolume(inside, ref=(width, height))) / (width * height)
