"""Intervals for accuracies of networks that were trained once or several times.

Two sources of error enter each, added as squares on each side:

- the images: Wilson's interval of a share, and Newcombe's for the difference of two shares
  (Newcombe, Statistics in Medicine 17, 1998, method 10), over the validation images. All networks
  are measured on the same images, which makes this one a little too wide;
- the seeds: Student's ``t * s / sqrt(k)`` for the mean of ``k`` trainings, and
  ``t * s * sqrt(1 / j + 1 / k)`` for the difference of two means, with ``s`` the spread between
  seeds, pooled over all networks of the study that were trained from several.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, variance
from typing import NamedTuple, Self

from trials import shares

CONFIDENCE = 0.95
"""Share of intervals that hold the true value."""

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
_T = (
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860),
)
"""Student's quantile for `CONFIDENCE`, by degrees of freedom from 1.

A table and not `scipy.stats.t.ppf`, since every question to a study computes intervals, and loading
``scipy.stats`` takes longer than all the rest of ``kwsearch front``. The tests hold it to scipy's.
"""


class Interval(NamedTuple):
    """An estimate with the ends of its interval; an end is None where it is not known."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def around(cls, value: float, below: float, above: float) -> Self:
        """From the widths on both sides."""
        return cls(value, value - below, value + above)


@dataclass(frozen=True, slots=True)
class Errors:
    """Both sources of error.

    Attributes:
        images: validation images.
        seeds: half width for a single training, ``t * s``; 0 where it is not known.
        spread: ``s``, the standard deviation between seeds; None where it is not known.
    """

    images: int
    seeds: float
    spread: float | None = None

    @classmethod
    def of(cls, images: int, trained: Iterable[Sequence[float]]) -> Self:
        """From the accuracies of each network, over so many images."""
        spread, degrees = pooled_spread(trained)
        return cls(images, 0.0 if spread is None else spread * student(degrees), spread)

    def mean(self, accuracy: float, seeds: int) -> Interval:
        """The mean of so many trainings."""
        below, above = self._of(accuracy)
        spread = self.seeds / sqrt(seeds)
        return Interval.around(accuracy, sqrt(below**2 + spread**2), sqrt(above**2 + spread**2))

    def gain(self, accuracy: float, over: float, seeds: int, own: int = 1) -> Interval:
        """The mean of ``own`` trainings less ``over``, the mean of ``seeds`` trainings."""
        down, up = self._of(accuracy)
        below, above = self._of(over)
        spread = self.seeds * sqrt(1 / own + 1 / seeds)
        lower, upper = sqrt(down**2 + above**2 + spread**2), sqrt(up**2 + below**2 + spread**2)
        return Interval.around(accuracy - over, lower, upper)

    def _of(self, share: float) -> tuple[float, float]:
        """Widths of Wilson's interval for a share, below and above."""
        low, high = wilson(share, self.images)
        return share - low, high - share


def wilson(share: float, images: int) -> tuple[float, float]:
    """Wilson's score interval for a share counted over so many images."""
    return shares.wilson(share, images, _Z)


def pooled_spread(trained: Iterable[Sequence[float]]) -> tuple[float | None, int]:
    """Standard deviation between seeds, pooled over networks, and its degrees of freedom."""
    several = [each for each in trained if len(each) > 1]
    degrees = sum(len(each) - 1 for each in several)
    if not degrees:
        return None, 0
    return sqrt(sum(variance(each) * (len(each) - 1) for each in several) / degrees), degrees


def student(degrees: int) -> float:
    """Student's quantile for `CONFIDENCE`; beyond the table by Fisher's expansion."""
    if degrees <= len(_T):
        return _T[degrees - 1]
    return _Z + (_Z**3 + _Z) / (4 * degrees) + (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / (96 * degrees**2)
