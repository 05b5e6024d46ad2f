"""Dominance and fronts of (cost, error) points; both are minimised.

A front is strict: of trials with equal cost and error the one with the lowest number stands
for all, so a front does not depend on the order in which trials finish.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from math import log

import moocore
import numpy as np
from numpy.typing import NDArray

from trials.area import Area, Point


class Front:
    """A front that grows point by point, in logarithmic time a point while nothing is displaced.

    Args:
        area: what hypervolume is a share of.
        points: points to begin with, in any order.
    """

    def __init__(self, area: Area, points: Iterable[Point] = ()) -> None:
        self.area = area
        self._members: list[Point] = []
        self._hypervolume: float | None = None
        for point in points:
            self.add(point)

    @property
    def members(self) -> tuple[Point, ...]:
        """By ascending cost, so by descending error."""
        return tuple(self._members)

    def add(self, point: Point) -> bool:
        """Take a point in; return whether the front changed."""
        index = bisect_left(self._members, point)
        if index and self._members[index - 1].error <= point.error:
            return False
        beaten = index
        while beaten < len(self._members) and self._members[beaten].error >= point.error:
            beaten += 1
        del self._members[index:beaten]
        insort(self._members, point)
        self._hypervolume = None
        return True

    @property
    def hypervolume(self) -> float:
        """Mean height of the front over the logarithm of the cost, see `Area.hypervolume`."""
        if self._hypervolume is None:
            self._hypervolume = self.area.hypervolume(self._members)
        return self._hypervolume


def nondominated(points: Iterable[Point]) -> tuple[Point, ...]:
    """The front of these points, by ascending cost."""
    return Front(Area(1, 1, 0.0), points).members


def ranks(points: Sequence[Point]) -> NDArray[np.int64]:
    """Non-domination rank of each point, 0 for the front (Deb et al. 2002, NSGA-II)."""
    if not points:
        return np.empty(0, dtype=np.int64)
    pairs = np.array([(point.cost, point.error) for point in points], dtype=float)
    return np.asarray(moocore.pareto_rank(pairs), dtype=np.int64)


def crowding(points: Sequence[Point]) -> NDArray[np.float64]:
    """Crowding distance of each point among these, infinite at both ends (Deb et al. 2002).

    Distances are taken in log-cost and error, each over its range.
    """
    distance = np.zeros(len(points))
    axes = np.array([(log(point.cost), point.error) for point in points], dtype=float)
    for values in axes.reshape(-1, 2).T:
        order = np.argsort(values, kind="stable")
        span = values[order[-1]] - values[order[0]] if len(order) else 0.0
        distance[order[:1]] = distance[order[-1:]] = np.inf
        if span > 0:
            distance[order[1:-1]] += (values[order[2:]] - values[order[:-2]]) / span
    return distance


def knee(points: Sequence[Point]) -> Point | None:
    """The member of a front farthest below the line between its ends, or None if it is empty.

    The line runs through the smallest and the most accurate network in log-cost and error,
    both scaled to [0, 1]; a front of one or two members has its most accurate one as knee.
    """
    if not points:
        return None
    ordered = sorted(points)
    first, last = ordered[0], ordered[-1]
    if len(ordered) <= 2:  # noqa: PLR2004 - a line needs a third point to bend
        return last
    width, height = log(last.cost / first.cost), first.error - last.error

    def depth(point: Point) -> float:
        across = log(point.cost / first.cost) / width
        down = (first.error - point.error) / height
        return down - across

    return max(ordered, key=depth)
