"""A model of accuracy alone: a Gaussian process over what plans know and the epochs trained.

Every measurement of every rung is a point of it, so a network that was stopped after an epoch
still says what its like would reach in the end. It models the logit of accuracy, in which a gain
of one point means more at 98 % than at 60 %, less its mean over the points of that rung and
divided by their deviation: what is learnt is how networks differ, and that those which are ahead
after one epoch mostly are in the end. Means and deviations are brought back to accuracy to first
order.

The noise is learnt too. Where it is sought is told by the standard errors of the measurements; how
much of these counts is not, as all networks are measured on the same images. What is predicted is
a measurement, so the noise is in its deviation. Length scales, one a feature, have a prior that
grows with the square root of the number of features (Hvarfner et al. 2024), without which a few
points would set them at random.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property, partial
from math import log, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_STEPS = 25
"""Steps of the search for the most probable length scales."""

_BLOCK = 8_192
"""Networks that are predicted at a time, which bounds memory."""

_JITTER = 1e-6
"""Noise that every point has, so that matrices can be factored."""

_DIRECTIONS = 64
"""Combinations of points that lower the deviations of `AccuracyModel.rough`."""

_QUICK_BLOCK = 1_024
"""Networks that are roughly predicted at a time: what is between fits a processor's cache."""

_FEW = 4
"""Points that a rung needs for a mean and a deviation of its own."""

_EDGE = 1e-4
"""Least distance of an accuracy from 0 and 1, beside half of its error."""


@dataclass(frozen=True)
class Points:
    """Measurements to learn from.

    Attributes:
        inputs: a row a measurement: scaled features, and last the share of the ladder climbed.
        accuracy: measured.
        error: its standard error.
    """

    inputs: Floats
    accuracy: Floats
    error: Floats

    def logits(self) -> tuple[Floats, Floats]:
        """The logits of accuracies, and their standard errors to first order."""
        edge = _EDGE + self.error / 2
        inside = (self.accuracy + edge) / (1 + 2 * edge)
        values: Floats = logit(np.clip(inside, _EDGE, 1 - _EDGE))
        return values, self.error / (inside * (1 - inside))


def progress(epochs: Floats, top: int) -> Floats:
    """How far on the ladder, by the logarithm of epochs: 0 after one, 1 at the top."""
    return np.log(epochs) / log(top) if top > 1 else np.zeros_like(epochs)


class _Rungs:
    """Mean and deviation of logits at every rung; of one with few points, those of its neighbours.

    Args:
        progress: of points.
        values: their logits.
    """

    def __init__(self, progress: Floats, values: Floats) -> None:
        rungs = [rung for rung in np.unique(progress) if np.sum(progress == rung) >= _FEW]
        inside = [values[progress == rung] for rung in rungs] or [values]
        self._rungs = np.array(rungs or [1.0])
        self._means = np.array([np.mean(one) for one in inside])
        self._deviations = np.array([max(float(np.std(one)), 1e-3) for one in inside])

    def at(self, progress: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation at some rungs."""
        mean: Floats = np.interp(progress, self._rungs, self._means)
        return mean, np.interp(progress, self._rungs, self._deviations)


class AccuracyModel:
    """Means and deviations of accuracy, from some points.

    Args:
        points: to learn from; at least one.
        kernel: a kernel that `fitted` found.
    """

    def __init__(self, points: Points, kernel: Any) -> None:  # noqa: ANN401 - scikit-learn's
        from sklearn.gaussian_process import (  # noqa: PLC0415 - a second that others need not wait
            GaussianProcessRegressor,
        )

        values, _ = points.logits()
        self._rungs = _Rungs(points.inputs[:, -1], values)
        mean, spread = self._rungs.at(points.inputs[:, -1])
        self._process = GaussianProcessRegressor(kernel, alpha=_JITTER, optimizer=None)
        self._process.fit(points.inputs, (values - mean) / spread)

    def predict(self, inputs: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation of the accuracy that would be measured, a row each."""
        parts = [
            self._process.predict(inputs[at : at + _BLOCK], return_std=True)
            for at in range(0, len(inputs), _BLOCK)
        ]
        mean, spread = self._rungs.at(inputs[:, -1])
        means: Floats = expit(mean + spread * np.concatenate([one for one, _ in parts]))
        deviations = spread * np.concatenate([one for _, one in parts])
        return means, deviations * means * (1 - means)

    def rough(self, inputs: Singles) -> tuple[Floats, Floats]:
        """Means and deviations as `predict` has them but quicker.

        In single precision, and the points lower a variance only along the `_DIRECTIONS` in which
        they do so most, so deviations are a little too large.

        Args:
            inputs: as those of the points, all on one rung.
        """
        alike, points, weights, spread_out = self._quick
        scaled = inputs / alike.length_scale
        lengths, others = np.sum(scaled**2, axis=1), np.sum(points**2, axis=1)
        means, known = np.empty(len(inputs)), np.empty(len(inputs))
        for at in range(0, len(inputs), _QUICK_BLOCK):
            part = slice(at, at + _QUICK_BLOCK)
            squares = lengths[part, None] + others - 2 * (scaled[part] @ points.T)
            far = np.sqrt(5 * np.maximum(squares, 0))
            near = alike.amplitude * (1 + far + far * far / 3) * np.exp(-far)
            means[part] = near @ weights
            known[part] = np.sum((near @ spread_out) ** 2, axis=1)
        mean, spread = self._rungs.at(inputs[:1, -1].astype(np.float64))
        accuracy: Floats = expit(mean + spread * means)
        deviations = spread * np.sqrt(np.maximum(alike.variance - known, _JITTER))
        return accuracy, deviations * accuracy * (1 - accuracy)

    @cached_property
    def _quick(self) -> tuple["_Alike", Singles, Singles, Singles]:
        """The kernel's numbers, the points, and what a row of the kernel is multiplied by."""
        kernel, rows = self._process.kernel_, self._process.X_train_
        matern = kernel.k1.k2
        alike = _Alike(
            np.float32(kernel.k1.k1.constant_value),
            np.asarray(matern.length_scale, dtype=np.float32),
            float(kernel.diag(rows[:1])[0]),
        )
        values, vectors = np.linalg.eigh(self._process.L_ @ self._process.L_.T)
        of_alike = kernel.k1(rows)
        lowered = np.sum((of_alike @ vectors) ** 2, axis=0) / values
        most = np.argsort(-lowered)[:_DIRECTIONS]
        spread_out = vectors[:, most] / np.sqrt(values[most])
        return (
            alike,
            (rows / alike.length_scale).astype(np.float32),
            self._process.alpha_.astype(np.float32),
            spread_out.astype(np.float32),
        )


class _Alike(NamedTuple):
    """What the kernel between networks is made of, and the variance of a measurement."""

    amplitude: np.float32
    length_scale: Singles
    variance: float


def fitted(points: Points) -> Any:  # noqa: ANN401 - a kernel of scikit-learn's
    """The most probable kernel for some points."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - see above
    from sklearn.gaussian_process import GaussianProcessRegressor  # noqa: PLC0415 - see above
    from sklearn.gaussian_process.kernels import (  # noqa: PLC0415 - see above
        ConstantKernel,
        Matern,
        WhiteKernel,
    )

    values, errors = points.logits()
    mean, spread = _Rungs(points.inputs[:, -1], values).at(points.inputs[:, -1])
    noise = float(np.clip(np.median((errors / spread) ** 2), 0.01, 1.0))
    width = points.inputs.shape[1]
    kernel = ConstantKernel(1.0, (0.05, 20.0)) * Matern(
        np.full(width, _usual(width)), (0.05, 1e3), nu=2.5
    ) + WhiteKernel(noise, (1e-4, 4.0))
    process = GaussianProcessRegressor(
        kernel, alpha=_JITTER, optimizer=partial(_most_probable, width=width, noise=noise)
    )
    with warnings.catch_warnings():  # a bound that is reached is an answer: the prior is there
        warnings.simplefilter("ignore", ConvergenceWarning)
        return process.fit(points.inputs, (values - mean) / spread).kernel_


def _usual(width: int) -> float:
    return sqrt(2 * width)


def _most_probable(
    loss: Any,  # noqa: ANN401 - scikit-learn's callback
    theta: Floats,
    bounds: Floats,
    width: int,
    noise: float,
) -> tuple[Floats, float]:
    """Minimise the negative logarithms of likelihood and priors together."""
    centre = np.concatenate([[0.0], np.full(width, log(_usual(width))), [log(noise)]])
    deviation = np.concatenate([[1.0], np.full(width, 1.0), [1.5]])

    def penalised(at: Floats) -> tuple[float, Floats]:
        value, slope = loss(at)
        off = (at - centre) / deviation
        return float(value + 0.5 * off @ off), slope + off / deviation

    found = minimize(
        penalised, theta, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS}
    )
    return found.x, float(found.fun)
