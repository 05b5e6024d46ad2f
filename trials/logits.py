"""Accuracies as models of them see them, and back.

A model learns how networks differ at a rung, so an accuracy becomes its logit, in which a point
means more at 98 % than at 60 %, less the mean of its rung and divided by the rung's deviation. A
rung with few measurements has the mean of its neighbours, and a deviation that leans on that of
all. An accuracy of 1 has a finite logit: all are drawn towards 1/2 by half of the usual standard
error, and what a model expects is drawn back by as much.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]

_FEW: Final = 3
"""Measurements that a rung needs for a mean of its own."""

_LEAN: Final = 4
"""Measurements that the deviation of all rungs counts for in that of each."""

_LEAST: Final = 1e-3
"""Least deviation of logits, where all measured alike."""

_EDGE: Final = 1e-4
"""Least distance of an accuracy from 0 and 1, beside half of the usual error."""


class Logits:
    """The scale of some measurements.

    Args:
        rungs: where each was made: epochs, or anything that grows with them.
        accuracy: measured.
        error: standard errors of the accuracies.
    """

    def __init__(self, rungs: Floats, accuracy: Floats, error: Floats) -> None:
        self._edge = _EDGE + float(np.median(error)) / 2
        values = logit(self._inside(accuracy))
        found = [rung for rung in np.unique(rungs) if np.sum(rungs == rung) >= _FEW]
        groups = [values[rungs == rung] for rung in found] or [values]
        self._rungs = np.array(found or [1.0])
        self._means = np.array([np.mean(group) for group in groups])
        squares = np.array([np.sum((group - np.mean(group)) ** 2) for group in groups])
        counts = np.array([len(group) for group in groups])
        usual = squares.sum() / max(counts.sum(), 1)
        self._deviations = np.sqrt((squares + _LEAN * usual) / (counts + _LEAN)) + _LEAST

    def _inside(self, accuracy: Floats) -> Floats:
        inside: Floats = (accuracy + self._edge) / (1 + 2 * self._edge)
        return np.clip(inside, _EDGE, 1 - _EDGE)

    def _at(self, rungs: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation of logits at some rungs."""
        mean: Floats = np.interp(rungs, self._rungs, self._means)
        return mean, np.interp(rungs, self._rungs, self._deviations)

    def scaled(self, rungs: Floats, accuracy: Floats, error: Floats) -> tuple[Floats, Floats]:
        """Measurements on this scale, and their standard errors to first order."""
        mean, deviation = self._at(rungs)
        inside = self._inside(accuracy)
        values: Floats = (logit(inside) - mean) / deviation
        slope = inside * (1 - inside) * (1 + 2 * self._edge)
        return values, error / slope / deviation

    def accuracies(self, rungs: Floats, mean: Floats, deviation: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation of accuracies, to first order, from those on this scale."""
        middle, spread = self._at(rungs)
        inside: Floats = expit(middle + spread * mean)
        wide = 1 + 2 * self._edge
        return inside * wide - self._edge, spread * deviation * inside * (1 - inside) * wide
