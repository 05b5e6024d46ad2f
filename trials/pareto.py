"""Dominance, fronts and hypervolume of (parameters, error) points; everything is minimised.

Error is 1 - accuracy: signs flip once, where a trial becomes a `Point`. A front is strict: of
trials with equal parameters and error the one with the lowest number stands for all, so a front
does not depend on the order in which trials finish.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from math import log
from typing import NamedTuple, Self

import moocore
import numpy as np
from numpy.typing import NDArray


class Point(NamedTuple):
    """One measured network; points sort by parameters, then error, then trial number."""

    params: int
    error: float
    number: int

    @classmethod
    def of(cls, params: int, accuracy: float, number: int) -> Self:
        """The point of a trial."""
        return cls(params, 1.0 - accuracy, number)


class Front:
    """A front that grows point by point, in logarithmic time a point while nothing is displaced.

    Args:
        reference: upper ends of parameters and error that hypervolume is measured from.
        points: points to begin with, in any order.
    """

    def __init__(self, reference: tuple[int, float], points: Iterable[Point] = ()) -> None:
        self.reference = reference
        self._members: list[Point] = []
        self._hypervolume: float | None = None
        for point in points:
            self.add(point)

    @property
    def members(self) -> tuple[Point, ...]:
        """By ascending parameters, so by descending error."""
        return tuple(self._members)

    def add(self, point: Point) -> bool:
        """Take a point in; return whether the front changed."""
        place = bisect_left(self._members, point)
        if place and self._members[place - 1].error <= point.error:
            return False
        beaten = place
        while beaten < len(self._members) and self._members[beaten].error >= point.error:
            beaten += 1
        del self._members[place:beaten]
        insort(self._members, point)
        self._hypervolume = None
        return True

    @property
    def hypervolume(self) -> float:
        """Area between the front and the reference point, in parameters x accuracy."""
        if self._hypervolume is None:
            self._hypervolume = self._measured()
        return self._hypervolume

    def _measured(self) -> float:
        inside = [
            (point.params, point.error)
            for point in self._members
            if point.params < self.reference[0] and point.error < self.reference[1]
        ]
        return float(moocore.hypervolume(inside, ref=self.reference)) if inside else 0.0


def ranks(points: Sequence[Point]) -> NDArray[np.int64]:
    """Non-domination rank of each point, 0 for the front (Deb et al. 2002, NSGA-II)."""
    if not points:
        return np.empty(0, dtype=np.int64)
    pairs = np.array([(point.params, point.error) for point in points], dtype=float)
    return np.asarray(moocore.pareto_rank(pairs), dtype=np.int64)


def crowding(points: Sequence[Point]) -> NDArray[np.float64]:
    """Crowding distance of each point among these, infinite at both ends (Deb et al. 2002).

    Distances are taken in log-parameters and error, each over its range.
    """
    distance = np.zeros(len(points))
    axes = np.array([(log(point.params), point.error) for point in points], dtype=float)
    for values in axes.reshape(-1, 2).T:
        order = np.argsort(values, kind="stable")
        span = values[order[-1]] - values[order[0]] if len(order) else 0.0
        distance[order[:1]] = distance[order[-1:]] = np.inf
        if span > 0:
            distance[order[1:-1]] += (values[order[2:]] - values[order[:-2]]) / span
    return distance


def knee(points: Sequence[Point]) -> Point | None:
    """The member of a front farthest below the line between its ends, or None if it is empty.

    The line runs through the smallest and the most accurate network in log-parameters and error,
    both scaled to [0, 1]; a front of one or two members has its most accurate one as knee.
    """
    if not points:
        return None
    ordered = sorted(points)
    first, last = ordered[0], ordered[-1]
    if len(ordered) <= 2:  # noqa: PLR2004 - a line needs a third point to bend
        return last
    width, height = log(last.params / first.params), first.error - last.error

    def depth(point: Point) -> float:
        across = log(point.params / first.params) / width
        down = (first.error - point.error) / height
        return down - across

    return max(ordered, key=depth)
