"""Where learning curves lead: the accuracy at the top rung, from what lower rungs measured.

The logit of a network's accuracy after some epochs is a Gaussian process over what its plan knows
and the logarithm of epochs (freeze-thaw, Swersky et al., arXiv 1406.3896)::

    logit = mean(rung) + s (shared(features, epochs) + own(network, epochs) + rest(epochs)) + noise

*shared* is what like networks have in common, *own* what is a network's alone, and both fade with
the distance between two rungs: how fast says what an early rung is worth. *rest* is the error of
the mean, which at upper rungs is that of the networks that got there. Noise is known up to a
factor from the standard errors. The six numbers that say how much of each there is have log-normal
priors, and the most probable ones are taken.

All follows from the measurements alone; nothing is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FITTED_ON = 80
"""Measurements that the six numbers are found from, at most."""

_STEPS = 8
"""Steps of the search for them."""

_USUAL = np.log([0.4, 1.0, 0.4, 0.5, 1.0, 2.0])
"""Medians of the priors, as logarithms; see `_Numbers`."""

_SPREAD = 0.7
"""Their deviation, as logarithms."""

_REST = 0.5
"""Distance on the ladder over which the error of the mean fades."""

_FEW = 3
"""Measurements that a rung needs for a mean of its own."""

_EDGE = 1e-4
"""Least distance of an accuracy from 0 and 1, beside half of its error."""

_JITTER = 1e-6


class Curves(NamedTuple):
    """Measurements of some networks.

    Attributes:
        features: a row a network.
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


@dataclass(frozen=True, slots=True)
class Forecast:
    """Logits of accuracy at the top rung, an entry a network.

    Attributes:
        mean: expected.
        deviation: of what would be measured.
        told: deviation of the mean that the first rung will make, where it is still to come.
    """

    mean: Floats
    deviation: Floats
    told: Floats


class _Numbers(NamedTuple):
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


class CurveModel:
    """A forecast of the top rung.

    Args:
        curves: to learn from; at least one measurement.
        top: epochs of the top rung.
    """

    def __init__(self, curves: Curves, top: int) -> None:
        self._top = top
        self._network = curves.network
        self._at = self._place(curves.epochs)
        values, errors = _logits(curves.accuracy, curves.error)
        means = _Means(curves.epochs, values)
        rest = values - means.at(curves.epochs)
        self._middle = float(means.at(np.array([float(top)]))[0])
        self._scale = max(float(np.sqrt(np.mean(rest**2))), 1e-3)
        self._values, self._errors = rest / self._scale, errors / self._scale
        self._apart = _distances(curves.features)
        self._numbers = self._most_probable()
        every = np.arange(len(rest))
        self._factor = cho_factor(self._covariance(self._numbers, every), lower=True)
        self._weights = cho_solve(self._factor, self._values)

    def _place(self, epochs: Floats) -> Floats:
        """Place on the ladder, by the logarithm of epochs: 0 after one, 1 at the top."""
        return np.log(epochs) / log(self._top) if self._top > 1 else np.ones_like(epochs)

    def _between(self, n: _Numbers, apart: Floats, same: NDArray[np.bool_], gap: Floats) -> Floats:
        """Covariances of pairs: their features' distance, whether one network, gap of rungs."""
        shared = n.shared * np.exp(-apart / n.reach - gap / n.shared_epochs)
        own = n.own * np.exp(-gap / n.own_epochs)
        return np.asarray(shared + same * own + np.exp(-gap / _REST))

    def _covariance(self, n: _Numbers, rows: Ints) -> Floats:
        network, at = self._network[rows], self._at[rows]
        apart = self._apart[np.ix_(network, network)]
        same = network[:, None] == network[None]
        found = self._between(n, apart, same, np.abs(at[:, None] - at[None]))
        return found + np.diag(n.noise * self._errors[rows] ** 2 + _JITTER)

    def _most_probable(self) -> _Numbers:
        """The numbers of the highest posterior density, sought from their priors' medians."""
        last = len(self._values) - 1
        rows = np.unique(np.linspace(0, last, FITTED_ON).astype(np.int64))
        values = self._values[rows]

        def loss(logs: Floats) -> float:
            covariance = self._covariance(_Numbers(*np.exp(logs)), rows)
            try:
                factor = np.linalg.cholesky(covariance)
            except LinAlgError:
                return 1e9
            white = solve_triangular(factor, values, lower=True)
            prior = np.sum(((logs - _USUAL) / _SPREAD) ** 2)
            return float(0.5 * white @ white + np.log(np.diag(factor)).sum() + 0.5 * prior)

        bounds = [(middle - 2.5, middle + 2.5) for middle in _USUAL]
        found = minimize(
            loss, _USUAL, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS}
        )
        return _Numbers(*np.exp(found.x))

    def forecast(self, networks: Sequence[int], first: int | None = None) -> Forecast:
        """What networks would measure at the top rung.

        Args:
            networks: rows of the features.
            first: None to use their own measurements; else they are taken for networks of which
                none is measured yet, and whose first rung is after so many epochs.
        """
        n, rows = self._numbers, np.asarray(networks, dtype=np.int64)
        apart = self._apart[np.ix_(rows, self._network)]
        same = (rows[:, None] == self._network[None]) & (first is None)
        between = self._between(n, apart, same, np.abs(1.0 - self._at)[None])
        seen = solve_triangular(self._factor[0], between.T, lower=True)
        latent = np.maximum(n.shared + n.own + 1.0 - np.sum(seen**2, axis=0), _JITTER)
        noise = n.noise * float(np.median(self._errors)) ** 2
        told = np.zeros(len(rows))
        if first is not None:
            gap = 1.0 - float(self._place(np.array([float(first)]))[0])
            own = n.own * np.exp(-gap / n.own_epochs)
            told = np.sqrt(np.minimum(own**2 / (n.own + noise), 0.95 * latent))
        return Forecast(
            self._middle + self._scale * (between @ self._weights),
            self._scale * np.sqrt(latent + noise),
            self._scale * told,
        )


def as_accuracy(mean: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Mean and deviation of an accuracy, from those of its logit, to first order."""
    means: Floats = expit(mean)
    return means, deviation * means * (1 - means)


class _Means:
    """Mean logit at every rung of `_FEW` measurements; of others, between their neighbours'."""

    def __init__(self, epochs: Floats, values: Floats) -> None:
        rungs = [rung for rung in np.unique(epochs) if np.sum(epochs == rung) >= _FEW]
        self._rungs = np.array(rungs or [1.0])
        inside = [values[epochs == rung] for rung in rungs] or [values]
        self._means = np.array([np.mean(one) for one in inside])

    def at(self, epochs: Floats) -> Floats:
        found: Floats = np.interp(epochs, self._rungs, self._means)
        return found


def _logits(accuracy: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Logits of accuracies, and their standard errors to first order."""
    edge = _EDGE + error / 2
    inside = np.clip((accuracy + edge) / (1 + 2 * edge), _EDGE, 1 - _EDGE)
    values: Floats = logit(inside)
    return values, error / (inside * (1 - inside))


def _distances(features: Floats) -> Floats:
    """Root mean square difference of features, each in units of its deviation over networks."""
    spread = features.std(axis=0)
    used = spread > 1e-4  # noqa: PLR2004 - a ten-thousandth of a factor tells nothing apart
    if not used.any():
        return np.zeros((len(features), len(features)))
    scaled = features[:, used] / spread[used]
    found: Floats = cdist(scaled, scaled) / np.sqrt(np.count_nonzero(used))
    return found
