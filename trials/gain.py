"""What a front gains by one more network: exactly, as its size is known before its training.

The height of a front at a size is the accuracy of the best network of at most that size, so a
network of accuracy a and size p adds, over the logarithm x of sizes from p to the end of the area,
the integral of max(0, a - height(x)). The height is constant between the sizes of the front's
members, which makes the integral a sum. If a is not known but normal with mean m and deviation s,
the expectation of each term is in closed form (Jones et al. 1998, expected improvement)::

    E max(0, a - h) = s (z Phi(z) + phi(z)),  z = (m - h) / s

so the expected gain of hypervolume is a sum as well: nothing is drawn, and nothing approximated.
No network is more accurate than 1, so what the normal distribution has above 1 counts as 1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import log, pi, sqrt
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfcx, ndtr

from trials.area import Area, Point
from trials.pareto import Front

Floats = NDArray[np.float64]

_SURE = 1e-12
"""Deviation of an accuracy below which it counts as known."""

_BLOCK = 65_536
"""Networks whose gains are worked out at a time, which bounds memory."""


@dataclass(frozen=True, slots=True)
class Steps:
    """A front as a function of size: constant heights between edges.

    Attributes:
        area: what gains are a share of.
        edges: logarithms of sizes at which the height changes, from the area's low end to its
            high end; one more than heights. In an area of one size, 0 and 1.
        heights: accuracy of the best network between two edges, at least the area's floor.
    """

    area: Area
    edges: Floats
    heights: Floats

    @classmethod
    def of(cls, area: Area, points: Iterable[Point]) -> Self:
        """The steps of the front of these points."""
        members = [
            (float(cls._place(area, point.cost)), 1 - point.error)
            for point in Front(area, points).members
            if point.cost <= area.high and 1 - point.error > area.floor
        ]
        begins = np.array([0.0, *(place for place, _ in members), cls._end(area)])
        heights = np.array([area.floor, *(height for _, height in members)])
        return cls(area, begins, heights)

    @staticmethod
    def _end(area: Area) -> float:
        return log(area.high / area.low) if area.high > area.low else 1.0

    @staticmethod
    def _place(area: Area, costs: ArrayLike) -> Floats:
        sizes = np.maximum(np.asarray(costs, dtype=float), area.low)
        places: Floats = np.log(sizes / area.low)
        return places

    def expected_gain(self, costs: ArrayLike, mean: ArrayLike, deviation: ArrayLike) -> Floats:
        """Expected gain of hypervolume by each of some networks, were it added alone.

        Args:
            costs: of each, see `trials.costs`; above the area's high end nothing is gained.
            mean: of its accuracy.
            deviation: of its accuracy; 0 where it is known.
        """
        sizes, means, spreads = np.broadcast_arrays(
            *(np.atleast_1d(np.asarray(x, dtype=float)) for x in (costs, mean, deviation))
        )
        parts = [
            self._gains(*(x[at : at + _BLOCK] for x in (sizes, means, spreads)))
            for at in range(0, len(sizes), _BLOCK)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _gains(self, costs: Floats, mean: Floats, deviation: Floats) -> Floats:
        place = self._place(self.area, costs)
        above = excess(mean, deviation, 1.0)
        total = np.zeros(len(costs))
        for (begin, end), height in zip(pairwise(self.edges), self.heights, strict=True):
            width = end - np.maximum(place, begin)
            reached = np.flatnonzero(width > 0)
            if reached.size:
                more = excess(mean[reached], deviation[reached], height) - above[reached]
                total[reached] += width[reached] * more
        total[costs > self.area.high] = 0.0
        share: Floats = np.maximum(total, 0.0) / (self.edges[-1] * (1 - self.area.floor))
        return share


def excess(mean: Floats, deviation: Floats, height: float) -> Floats:
    """Expectation of max(0, a - height), a normal with this mean and deviation.

    Below the height it is computed as a product, phi(z) (1 - |z| Phi(-|z|) / phi(z)), which keeps
    its digits however small it is.
    """
    gap = mean - height
    known = deviation < _SURE
    z = gap / np.where(known, 1.0, deviation)
    bell = np.exp(-0.5 * z * z) / sqrt(2 * pi)
    low = np.maximum(-z, 0.0)
    below = bell * np.maximum(1 - low * sqrt(pi / 2) * erfcx(low / sqrt(2)), 0.0)
    result: Any = np.where(z < 0, below, z * ndtr(z) + bell)
    return np.where(known, np.maximum(gap, 0.0), deviation * result)
