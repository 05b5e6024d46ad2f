"""Whether short training ranks networks as long training does.

Kendall's tau-b between the accuracies of the same trials at a lower and at the top rung (Kendall
1945): 1 if both rank them alike, 0 if one says nothing about the other. Only trials that went on to
the top rung have both, so the tau of a search that stops trials is that of the better ones.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import exp, isfinite, log

from scipy.stats import kendalltau

from reports.homogeneity import Homogeneity, homogeneity
from reports.summary import Summary
from reports.units import capital
from trials.costs import Cost
from trials.promotion import Halving
from trials.records import Measurement

Pair = tuple[int, int, Measurement, Measurement]
"""Number and band of a trial, and what it reached at two rungs."""

LEAST = 3
"""Trials below which a tau is not shown."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One tau.

    Attributes:
        rung: epochs of the lower rung.
        band: index of the size band, None for all sizes together.
        trials: measured at both rungs.
        tau: None with fewer than `LEAST` trials, or where they cannot be told apart.
        p_value: of no association, two-sided; None with tau.
        alike: the test by which they cannot be told apart at one of the rungs, else None.
    """

    rung: int
    band: int | None
    trials: int
    tau: float | None
    p_value: float | None
    alike: Homogeneity | None = None


@dataclass(frozen=True, slots=True)
class AgreementInfo:
    """What the figure says.

    Attributes:
        top: epochs of the top rung, 0 without measurements.
        bands: ends of each band, in what the front is over.
        rows: by lower rung, overall first.
        pairs: (trial, band, accuracy at the first rung, accuracy at the top rung).
        kind: what the front is over.
        quality: what was measured, as an axis says it.
    """

    top: int
    bands: tuple[tuple[int, int], ...]
    rows: tuple[Agreement, ...]
    pairs: tuple[tuple[int, int, float, float], ...]
    kind: Cost
    quality: str

    @property
    def alike(self) -> Homogeneity | None:
        """Why the networks of all sizes together have no tau, where they cannot be told apart."""
        return next((row.alike for row in self.rows if row.band is None and row.alike), None)


def agreement_info(summary: Summary) -> AgreementInfo:
    """Of every lower rung with the top one."""
    bands, quality = band_ends(summary.halving), capital(summary.measure)
    if not summary.rungs:
        return AgreementInfo(0, bands, (), (), summary.kind, quality)
    *lower, top = summary.rungs
    rows: list[Agreement] = []
    for rung in lower:
        pairs = _pairs(summary, rung, top)
        rows.append(_agreement(rung, None, pairs))
        rows += [_agreement(rung, b, [p for p in pairs if p[1] == b]) for b in range(len(bands))]
    first = _pairs(summary, lower[0], top) if lower else []
    drawn = tuple((number, band, a.accuracy, b.accuracy) for number, band, a, b in first)
    return AgreementInfo(top, bands, tuple(rows), drawn, summary.kind, quality)


def band_ends(halving: Halving) -> tuple[tuple[int, int], ...]:
    """Costs at which each band begins and ends."""
    step = log(halving.high / halving.low) / halving.bands if halving.high > halving.low else 0.0
    ends = [round(halving.low * exp(step * i)) for i in range(halving.bands + 1)]
    return tuple(pairwise(ends))


def _pairs(summary: Summary, rung: int, top: int) -> list[Pair]:
    found = []
    for number, curve in sorted(summary.measurements.items()):
        measured = {m.epoch: m for m in curve}
        if number in summary.by_number and rung in measured and top in measured:
            band = summary.halving.band(summary.by_number[number].trial.cost)
            found.append((number, band, measured[rung], measured[top]))
    return found


def _agreement(rung: int, band: int | None, pairs: list[Pair]) -> Agreement:
    if len(pairs) < LEAST:
        return Agreement(rung, band, len(pairs), None, None)
    before, after = [p[2] for p in pairs], [p[3] for p in pairs]
    for tested in (homogeneity(before), homogeneity(after)):
        if tested is not None and tested.alike:
            return Agreement(rung, band, len(pairs), None, None, tested)
    found = kendalltau([m.accuracy for m in before], [m.accuracy for m in after])
    tau, p_value = float(found.statistic), float(found.pvalue)
    return Agreement(rung, band, len(pairs), tau, p_value if isfinite(p_value) else None)
