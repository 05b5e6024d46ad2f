"""Where learning curves lead: the accuracy at the top rung, from what lower rungs measured.

The logit of a network's accuracy after some epochs, less the mean of that rung and divided by its
deviation (`trials.logits`), is a Gaussian process over what its plan knows and the logarithm of
epochs (freeze-thaw, Swersky et al., arXiv 1406.3896)::

    shared(features, epochs) + own(network, epochs) + rest(epochs) + noise

*shared* is what like networks have in common, *own* what is a network's alone, luck of its
training among it, and both fade with the distance between two rungs: how fast says what an early
rung is worth. *rest* is the error of the mean, which at upper rungs is that of the networks that
got there. Noise is known up to a factor from the standard errors. The six numbers that say how
much of each there is have log-normal priors, and the most probable ones are taken.

Promotion asks it for networks that are measured in part (`CurveModel.forecast`), the sampler for
those that are not measured at all (`CurveModel.predict`). All follows from the measurements alone;
nothing is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from trials.logits import Logits

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Measured = tuple[float, float, float]

FITTED_ON = 120
"""Measurements that the six numbers are found from, at most."""

_STEPS = 20
"""Steps of the search for them."""

_USUAL = np.log([0.4, 1.0, 0.4, 0.1, 0.5, 1.0])
"""Medians of the priors, as logarithms; see `Numbers`."""

_SPREAD = 0.7
"""Their deviation, as logarithms."""

_REST = 0.5
"""Distance on the ladder over which the error of the mean fades."""

_JITTER = 1e-6

_BLOCK = 8_192
"""Networks that are predicted at a time, which bounds memory."""

_DIRECTIONS = 64
"""Combinations of measurements that lower the deviations of `CurveModel.rough`."""

_QUICK_BLOCK = 1_024
"""Networks that are roughly predicted at a time: what is between fits a processor's cache."""


class Curves(NamedTuple):
    """Measurements of some networks.

    Attributes:
        features: a row a network, scaled, see `scaling`.
        network: row of the network, one entry a measurement.
        epochs: trained before the measurement.
        accuracy: measured.
        error: its standard error.
    """

    features: Floats
    network: Ints
    epochs: Floats
    accuracy: Floats
    error: Floats

    def some(self, most: int) -> "Curves":
        """So many of the measurements at most, spread evenly over all."""
        rows = np.unique(np.linspace(0, len(self.epochs) - 1, most).astype(np.int64))
        return Curves(
            self.features,
            self.network[rows],
            self.epochs[rows],
            self.accuracy[rows],
            self.error[rows],
        )


def newest(curves: Sequence[Sequence[Measured]], most: int) -> list[tuple[float, ...]]:
    """The last measurement of each curve; while there is room, earlier ones of the last curves.

    Args:
        curves: epochs, accuracy and its standard error of each measurement, by epochs.
        most: measurements in all; the last ones of every curve are taken in any case.

    Returns:
        Rows of curve, epochs, accuracy and error; those of the last curve first.
    """
    last: list[tuple[float, ...]] = []
    earlier: list[tuple[float, ...]] = []
    for row in reversed(range(len(curves))):
        for index, measured in enumerate(reversed(curves[row])):
            (earlier if index else last).append((row, *measured))
    return [*last, *earlier[: max(most - len(last), 0)]]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Accuracy at the top rung on the scale of `CurveModel`, an entry a network.

    Attributes:
        mean: expected.
        deviation: of what would be measured.
        told: deviation of the mean that each of some rungs to come will make; a row a rung.
    """

    mean: Floats
    deviation: Floats
    told: Floats


class Numbers(NamedTuple):
    """What is learnt of curves: variances in units of the spread inside a rung, and distances.

    Attributes:
        shared: variance of what like networks have in common.
        reach: distance of features over which that fades.
        own: variance of what is a network's alone.
        noise: factor on the squares of standard errors.
        own_epochs: distance on the ladder over which *own* fades.
        shared_epochs: the same of *shared*.
    """

    shared: float
    reach: float
    own: float
    noise: float
    own_epochs: float
    shared_epochs: float


def scaling(features: Floats | Singles) -> Floats:
    """What each feature is multiplied by, so that distances are root mean squares of differences.

    The unit of a feature is its deviation over the rows; one that does not vary counts for nothing.
    """
    spread: Floats = np.std(features, axis=0, dtype=np.float64)
    used = spread > 1e-4  # noqa: PLR2004 - a ten-thousandth of a factor tells nothing apart
    factors: Floats = np.where(used, 1.0, 0.0) / np.where(used, spread, 1.0)
    return factors / sqrt(max(int(np.count_nonzero(used)), 1))


def place(epochs: Floats, top: int) -> Floats:
    """Place on the ladder, by the logarithm of epochs: 0 after one, 1 at the top."""
    found: Floats = np.log(epochs) / log(top) if top > 1 else np.ones_like(epochs)
    return found


class _Pairs(NamedTuple):
    """What tells measurements apart: distance of features, whether of one network, gap of rungs."""

    apart: Floats
    same: NDArray[np.bool_]
    gap: Floats

    @classmethod
    def of(cls, curves: Curves, top: int) -> "_Pairs":
        measured = np.unique(curves.network, return_inverse=True)
        rows, at = curves.features[measured[0]], place(curves.epochs, top)
        apart: Floats = cdist(rows, rows)[np.ix_(measured[1], measured[1])]
        same = curves.network[:, None] == curves.network[None]
        return cls(apart, same, np.abs(at[:, None] - at[None]))

    def shared(self, n: Numbers) -> Floats:
        found: Floats = n.shared * np.exp(-self.apart / n.reach - self.gap / n.shared_epochs)
        return found

    def own(self, n: Numbers) -> Floats:
        alike = n.own * np.exp(-self.gap / n.own_epochs)
        found: Floats = np.where(self.same, alike, 0.0)
        return found

    def covariance(self, n: Numbers) -> Floats:
        """Without noise."""
        found: Floats = self.shared(n) + self.own(n) + np.exp(-self.gap / _REST)
        return found


def most_probable(curves: Curves, top: int) -> Numbers:
    """The numbers of the highest posterior density, sought from their priors' medians.

    Args:
        curves: to learn from, of which `FITTED_ON` measurements count.
        top: epochs of the top rung.
    """
    curves = curves.some(FITTED_ON)
    pairs, at = _Pairs.of(curves, top), place(curves.epochs, top)
    scale = Logits(at, curves.accuracy, curves.error)
    values, errors = scale.scaled(at, curves.accuracy, curves.error)

    def loss(logs: Floats) -> tuple[float, Floats]:
        n = Numbers(*np.exp(logs))
        shared, own, noise = pairs.shared(n), pairs.own(n), np.diag(n.noise * errors**2)
        covariance = shared + own + np.exp(-pairs.gap / _REST) + noise
        covariance[np.diag_indices_from(covariance)] += _JITTER
        try:
            factor = cho_factor(covariance, lower=True)
        except LinAlgError:
            return 1e9, np.zeros(len(logs))
        weights = cho_solve(factor, values)
        inverse = cho_solve(factor, np.eye(len(values)))
        slopes = (
            shared,
            shared * pairs.apart / n.reach,
            own,
            noise,
            own * pairs.gap / n.own_epochs,
            shared * pairs.gap / n.shared_epochs,
        )
        pull = inverse - np.outer(weights, weights)
        off = (logs - _USUAL) / _SPREAD
        value = 0.5 * values @ weights + np.log(np.diag(factor[0])).sum() + 0.5 * off @ off
        slope = np.array([0.5 * np.sum(pull * one) for one in slopes]) + off / _SPREAD
        return float(value), slope

    bounds = [(middle - 2.5, middle + 2.5) for middle in _USUAL]
    found = minimize(
        loss, _USUAL, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS}
    )
    return Numbers(*(float(number) for number in np.exp(found.x)))


class CurveModel:
    """A forecast of the top rung.

    Args:
        curves: to learn from; at least one measurement.
        top: epochs of the top rung.
        numbers: that `most_probable` found; if None, they are found here.
    """

    def __init__(self, curves: Curves, top: int, numbers: Numbers | None = None) -> None:
        self._top = top
        self._features, self._network = curves.features, curves.network
        self._at = place(curves.epochs, top)
        self._scale = Logits(self._at, curves.accuracy, curves.error)
        values, self._errors = self._scale.scaled(self._at, curves.accuracy, curves.error)
        self.numbers = numbers or most_probable(curves, top)
        covariance = _Pairs.of(curves, top).covariance(self.numbers)
        covariance += np.diag(self.numbers.noise * self._errors**2 + _JITTER)
        self._factor = cho_factor(covariance, lower=True)
        self._weights = cho_solve(self._factor, values)

    @property
    def _noise(self) -> float:
        """Variance of the noise of a measurement at the top."""
        return self.numbers.noise * float(np.median(self._errors)) ** 2

    @property
    def _variance(self) -> float:
        """Variance at the top of a network of which nothing is known, without noise."""
        return self.numbers.shared + self.numbers.own + 1.0

    def forecast(
        self, networks: Sequence[int], rungs: Sequence[int] = (), *, fresh: bool = False
    ) -> Forecast:
        """What networks would measure at the top rung.

        Args:
            networks: rows of the features.
            rungs: epochs of rungs still to come, of which it is asked what they will tell.
            fresh: whether they are taken for networks of which nothing is measured yet.
        """
        n, rows = self.numbers, np.asarray(networks, dtype=np.int64)
        same = (rows[:, None] == self._network[None]) & (not fresh)
        pairs = self._pairs(self._features[rows], same)
        between = pairs.covariance(n)
        seen = self._seen(between)
        latent = np.maximum(self._variance - np.sum(seen**2, axis=0), _JITTER)
        told = np.zeros((len(rungs), len(rows)))
        for index, at in enumerate(place(np.asarray(rungs, dtype=float), self._top)):
            there = self._seen(pairs._replace(gap=np.abs(at - self._at)[None]).covariance(n))
            together = self._between_rungs(1.0 - float(at)) - np.sum(seen * there, axis=0)
            unknown = np.maximum(self._variance - np.sum(there**2, axis=0), _JITTER)
            told[index] = np.minimum(together**2 / (unknown + self._noise), 0.95 * latent)
        return Forecast(between @ self._weights, np.sqrt(latent + self._noise), np.sqrt(told))

    def _between_rungs(self, gap: float) -> float:
        """Covariance of one network at two rungs, nothing being measured."""
        n = self.numbers
        shared, own = n.shared * exp(-gap / n.shared_epochs), n.own * exp(-gap / n.own_epochs)
        return shared + own + exp(-gap / _REST)

    def _pairs(self, features: Floats, same: NDArray[np.bool_] | None = None) -> _Pairs:
        """Networks at the top, a row each, beside every measurement."""
        apart: Floats = cdist(features, self._features)[:, self._network]
        gap = np.abs(1.0 - self._at)[None]
        return _Pairs(apart, np.zeros((1, 1), dtype=bool) if same is None else same, gap)

    def _seen(self, between: Floats) -> Floats:
        """Covariances with all measurements, in a basis where these are independent."""
        found: Floats = solve_triangular(self._factor[0], between.T, lower=True)
        return found

    def _conditional(self, between: Floats) -> tuple[Floats, Floats]:
        """Means and variances without noise, from covariances with all measurements."""
        latent = self._variance - np.sum(self._seen(between) ** 2, axis=0)
        return between @ self._weights, np.maximum(latent, _JITTER)

    def accuracies(self, mean: Floats, deviation: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation of accuracies at the top rung, from those of a `Forecast`."""
        return self._scale.accuracies(np.ones_like(mean), mean, deviation)

    def predict(self, features: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation of the accuracy at the top of networks that are not measured.

        Args:
            features: a row a network, scaled as those of the curves.
        """
        parts = [
            self._conditional(self._pairs(features[at : at + _BLOCK]).covariance(self.numbers))
            for at in range(0, len(features), _BLOCK)
        ]
        mean = np.concatenate([one for one, _ in parts])
        latent = np.concatenate([one for _, one in parts])
        return self.accuracies(mean, np.sqrt(latent + self._noise))

    def rough(self, features: Singles) -> tuple[Floats, Floats]:
        """What `predict` gives, but quicker.

        In single precision, and measurements lower a variance only along the `_DIRECTIONS` in which
        they do so most, so deviations are a little too large.
        """
        points, pulls, always = self._quick
        lengths, others = np.sum(features**2, axis=1), np.sum(points**2, axis=1)
        means, known = np.empty(len(features)), np.empty(len(features))
        reach = np.float32(self.numbers.reach)
        for at in range(0, len(features), _QUICK_BLOCK):
            part = slice(at, at + _QUICK_BLOCK)
            squares = lengths[part, None] + others - 2 * (features[part] @ points.T)
            near = np.exp(-np.sqrt(np.maximum(squares, 0)) / reach)
            found = near @ pulls + always
            means[part] = found[:, 0]
            known[part] = np.sum(found[:, 1:] ** 2, axis=1)
        latent = np.maximum(self._variance - known, _JITTER)
        return self.accuracies(means, np.sqrt(latent + self._noise))

    @cached_property
    def _quick(self) -> tuple[Singles, Singles, Singles]:
        """Networks; what being near each adds to the mean and to what is known; and what all have.

        Measurements of one network are added up, as a candidate is equally near to all of them.
        """
        n, gap = self.numbers, np.abs(1.0 - self._at)
        fading, rest = n.shared * np.exp(-gap / n.shared_epochs), np.exp(-gap / _REST)
        lower = np.tril(self._factor[0])
        values, vectors = np.linalg.eigh(lower @ lower.T)
        usual = self._pairs(self._features).covariance(n)
        lowered = np.sum((usual @ vectors) ** 2, axis=0) / values
        most = np.argsort(-lowered)[:_DIRECTIONS]
        sums = np.column_stack([self._weights, vectors[:, most] / np.sqrt(values[most])])
        pulls = np.zeros((len(self._features), sums.shape[1]))
        np.add.at(pulls, self._network, fading[:, None] * sums)
        return (
            self._features.astype(np.float32),
            pulls.astype(np.float32),
            (rest @ sums).astype(np.float32),
        )
