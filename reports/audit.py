"""How far the proxy of a study is to be believed: its accuracies against those of longer training.

Kendall's tau-b is scipy's; its interval is a percentile bootstrap over networks, `DRAWS` draws from
a fixed seed. Large networks are mostly the better ones, which any training shows; so the pairs of
like size, in one band, have a tau of their own.

Nothing here reads a database.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import hypot, isfinite

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from reports.units import plural
from trials.promotion import Halving
from trials.records import (
    BaselineRecord,
    Entry,
    Measurement,
    Role,
    TrialRecord,
    TrialState,
)

DRAWS = 2000
"""Of the bootstrap."""

LEAST = 3
"""Networks below which a tau is not told."""

BELIEVED = 0.6
"""Tau from which the proxy is believed, if its interval is above 0; four of five pairs agree."""

_CONFIDENCE = (2.5, 97.5)
_ERRORS = 2.0

Curves = Mapping[int, Sequence[Measurement]]


class Belief(StrEnum):
    """What an audit comes to."""

    YES = "yes"
    PART = "in part"
    NO = "no"
    OPEN = "cannot be told"


@dataclass(frozen=True, slots=True)
class Audited:
    """A network with both accuracies.

    Attributes:
        trial: its number.
        params: its parameters.
        cost: what the front is over, see `trials.costs`.
        band: index of its band of sizes.
        rungs: accuracy by epoch of the proxy.
        proxy: accuracy at the proxy's top rung.
        long: accuracy after the longer schedule.
        error: standard error of that.
        stopped: the rung at which the search stopped it; None if it went to the top.
        on_front: whether it is on the front of the audited networks by the proxy.
        on_long_front: the same after the longer schedule.
        behind: accuracy that the best other network of at most its size has more, after the longer
            schedule; None where there is none so small.
        sure: whether that is more than two standard errors of the difference.
    """

    trial: int
    params: int
    cost: int
    band: int
    rungs: Mapping[int, float]
    proxy: float
    long: float
    error: float
    stopped: int | None
    on_front: bool = False
    on_long_front: bool = False
    behind: float | None = None
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Tau:
    """Kendall's tau of a rung with the longer schedule.

    Attributes:
        rung: epochs of the proxy.
        group: ``"all"``, ``"same band"`` for all pairs of like size, or ``"band N"`` from 0.
        networks: measured at both.
        pairs: of networks that are compared.
        value: None with fewer than `LEAST` networks, or where all are equal.
        low: lower end of its 95 % interval.
        high: upper end.
        p_value: of no association, two-sided; None for pairs of like size.
    """

    rung: int
    group: str
    networks: int
    pairs: int
    value: float | None
    low: float | None
    high: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Redecided:
    """What promotion says of an audited network among the others, by each accuracy."""

    rung: int
    trial: int
    by_proxy: bool
    by_long: bool


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit of a study at one length of training.

    Attributes:
        epochs: of the longer schedule.
        top: of the proxy.
        asked: networks that are to be trained.
        failed: networks that could not be.
        networks: those with both accuracies, by ascending cost.
        taus: by rung, the top one last; of all sizes first.
        decisions: of promotion at each rung below the top, none where the study stops no trial.
    """

    epochs: int
    top: int
    asked: int
    failed: int
    networks: tuple[Audited, ...]
    taus: tuple[Tau, ...]
    decisions: tuple[Redecided, ...]

    @property
    def finished(self) -> bool:
        """Whether all that was asked for is over."""
        return len(self.networks) + self.failed >= self.asked

    def tau(self, group: str = "all") -> Tau | None:
        """Of the top rung."""
        return next((t for t in self.taus if (t.rung, t.group) == (self.top, group)), None)

    @property
    def belief(self) -> Belief:
        """The verdict, by the tau of the top rung over all sizes."""
        tau = self.tau()
        if tau is None or tau.value is None or tau.low is None or tau.high is None:
            return Belief.OPEN
        if tau.low > 0:
            return Belief.YES if tau.value >= BELIEVED else Belief.PART
        return Belief.NO if tau.high < 0 else Belief.OPEN


def audit_of(
    trials: Iterable[TrialRecord],
    measurements: Curves,
    baselines: Sequence[BaselineRecord],
    baseline_curves: Curves,
    *,
    rungs: Sequence[int],
    halving: Halving,
    stops: bool = True,
    epochs: int | None = None,
) -> Audit | None:
    """The audit of a study, None where it has none.

    Args:
        trials: of the study.
        measurements: by trial.
        baselines: of the study.
        baseline_curves: measurements by baseline.
        rungs: of its proxy.
        halving: its rule of promotion, and its bands of sizes.
        stops: whether the study stops trials by that rule.
        epochs: length of the audit; the longest if not given.
    """
    top = rungs[-1]
    jobs = [one for one in baselines if one.baseline.role is Role.AUDIT]
    lengths = {one.baseline.schedule_epochs or 0 for one in jobs} - {top}
    length = max(lengths, default=0) if epochs is None else epochs
    if length not in lengths:
        return None
    long = {one.baseline.digest: one for one in jobs if one.baseline.schedule_epochs == length}
    completed = {
        one.baseline.digest: baseline_curves.get(one.number, ())
        for one in jobs
        if one.baseline.schedule_epochs == top
    }
    found = []
    for record in trials:
        trained = long.get(record.trial.digest)
        curve = [*measurements.get(record.number, ()), *completed.get(record.trial.digest, ())]
        reached = {m.epoch: m.accuracy for m in curve}
        if trained is not None and trained.state is TrialState.COMPLETE and top in reached:
            found.append(_audited(record, trained, reached, top, halving))
    networks = _with_fronts(sorted(found, key=lambda one: (one.cost, one.trial)))
    failed = sum(one.state is TrialState.FAILED for one in long.values())
    return Audit(
        epochs=length,
        top=top,
        asked=len(long),
        failed=failed,
        networks=networks,
        taus=tuple(tau for rung in rungs for tau in _taus(networks, rung, halving.bands)),
        decisions=tuple(_decisions(networks, rungs[:-1], halving)) if stops else (),
    )


def _audited(
    record: TrialRecord,
    trained: BaselineRecord,
    reached: Mapping[int, float],
    top: int,
    halving: Halving,
) -> Audited:
    cost = record.trial.cost
    return Audited(
        trial=record.number,
        params=record.trial.params,
        cost=cost,
        band=halving.band(cost),
        rungs=dict(sorted(reached.items())),
        proxy=reached[top],
        long=trained.accuracy or 0.0,
        error=trained.accuracy_error or 0.0,
        stopped=record.epochs if record.state is TrialState.STOPPED else None,
    )


def _with_fronts(networks: Sequence[Audited]) -> tuple[Audited, ...]:
    proxy = _front([(one.cost, one.proxy, one.trial) for one in networks])
    long = _front([(one.cost, one.long, one.trial) for one in networks])
    done = []
    for one in networks:
        smaller = [o for o in networks if o is not one and o.cost <= one.cost]
        best = max(smaller, key=lambda o: o.long, default=None)
        behind = None if best is None else best.long - one.long
        sure = best is not None and best.long - one.long > _ERRORS * hypot(best.error, one.error)
        done.append(
            replace(
                one,
                on_front=one.trial in proxy,
                on_long_front=one.trial in long,
                behind=behind,
                sure=sure,
            )
        )
    return tuple(done)


def _front(points: Iterable[tuple[int, float, int]]) -> set[int]:
    """Trials that no smaller one equals."""
    front, best = set(), -1.0
    for _, accuracy, trial in sorted(points, key=lambda p: (p[0], -p[1], p[2])):
        if accuracy > best:
            front.add(trial)
            best = accuracy
    return front


def _taus(networks: Sequence[Audited], rung: int, bands: int) -> Iterable[Tau]:
    there = [one for one in networks if rung in one.rungs]
    yield tau_of(there, rung, "all")
    if bands > 1:
        yield tau_of(there, rung, "same band")
        for band in range(bands):
            yield tau_of([one for one in there if one.band == band], rung, f"band {band}")


def tau_of(networks: Sequence[Audited], rung: int, group: str) -> Tau:
    """Tau of a rung with the longer schedule over pairs of these networks."""
    number = len(networks)
    before = np.array([one.rungs[rung] for one in networks])
    after = np.array([one.long for one in networks])
    bands = np.array([one.band for one in networks])
    compared = bands[:, None] == bands[None, :]
    if group != "same band":
        compared = np.ones((number, number), dtype=np.bool_)
    pairs = int(np.triu(compared, 1).sum())
    value = taus(before, after, compared, np.ones((1, number)))[0] if pairs else np.nan
    if number < LEAST or not isfinite(value):
        return Tau(rung, group, number, pairs, None, None, None, None)
    p_value = None
    if group != "same band":
        tested = kendalltau(before, after)
        value, p_value = float(tested.statistic), float(tested.pvalue)
    low, high = _interval(before, after, compared)
    return Tau(rung, group, number, pairs, float(value), low, high, p_value)


def _interval(
    before: NDArray[np.float64], after: NDArray[np.float64], compared: NDArray[np.bool_]
) -> tuple[float | None, float | None]:
    """Percentile bootstrap over networks; draws in which nothing differs are left out."""
    number = len(before)
    drawn = np.random.default_rng(0).multinomial(number, np.full(number, 1 / number), DRAWS)
    found = taus(before, after, compared, drawn.astype(np.float64))
    found = found[np.isfinite(found)]
    if len(found) < DRAWS / 2:
        return None, None
    low, high = np.percentile(found, _CONFIDENCE)
    return float(low), float(high)


def taus(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    compared: NDArray[np.bool_],
    times: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Kendall's tau-b over the pairs that are compared, for several samples at once.

    Args:
        before: an accuracy of each network, (networks,).
        after: the other one, (networks,).
        compared: which pairs count, (networks, networks).
        times: how often each network is in each sample, (samples, networks).

    Returns:
        (samples,); NaN where all are equal.
    """
    x = np.sign(before[:, None] - before[None, :]) * compared
    y = np.sign(after[:, None] - after[None, :]) * compared

    def total(of_pairs: NDArray[np.float64]) -> NDArray[np.float64]:
        summed: NDArray[np.float64] = np.einsum("bi,ij,bj->b", times, of_pairs, times)
        return summed

    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.float64] = total(x * y) / np.sqrt(total(x * x) * total(y * y))
    return found


def _decisions(
    networks: Sequence[Audited], rungs: Sequence[int], halving: Halving
) -> Iterable[Redecided]:
    """Promotion among the audited networks alone, in the order of their trials, at each rung."""
    ordered = sorted(networks, key=lambda one: one.trial)
    for rung in rungs:
        there = [one for one in ordered if rung in one.rungs]
        proxy = _replayed(halving, [(o, o.rungs[rung]) for o in there])
        long = _replayed(halving, [(o, o.long) for o in there])
        for one, by_proxy, by_long in zip(there, proxy, long, strict=True):
            yield Redecided(rung, one.trial, by_proxy, by_long)


def _replayed(halving: Halving, measured: Iterable[tuple[Audited, float]]) -> list[bool]:
    seen: list[Entry] = []
    for one, accuracy in measured:
        entry = Entry(one.trial, one.cost, accuracy, went_on=False)
        seen.append(entry._replace(went_on=halving.decide(seen, entry).goes_on))
    return [entry.went_on for entry in seen]


def sentence(found: Audit) -> str:
    """How far the proxy is to be believed, for people."""
    trained = len(found.networks)
    if not found.finished:
        return (
            f"The audit of {plural(found.epochs, 'epoch')} is not over: {trained} of "
            f"{plural(found.asked, 'network')} trained; 'kwsearch audit' goes on with it."
        )
    parts = [f"{_OPENING[found.belief]}: {_ranked(found)}.", _fronts(found)]
    if found.decisions:
        changed = sum(one.by_proxy != one.by_long for one in found.decisions)
        parts.append(
            f"By the longer training, promotion among them would decide otherwise in {changed} of "
            f"{plural(len(found.decisions), 'case')}."
        )
    if found.failed:
        parts.append(f"{plural(found.failed, 'network')} could not be trained.")
    return " ".join(parts)


_OPENING = {
    Belief.YES: "The proxy is to be believed",
    Belief.PART: "The proxy is to be believed in part",
    Belief.NO: "The proxy is not to be believed",
    Belief.OPEN: "It cannot be told how far the proxy is to be believed",
}


def _ranked(found: Audit) -> str:
    networks = plural(len(found.networks), "network")
    tau, alike = found.tau(), found.tau("same band")
    if tau is None or tau.value is None:
        return f"{networks} with both accuracies are too few"
    text = (
        f"{plural(found.top, 'epoch')} rank {networks} as {found.epochs} do with Kendall's tau "
        f"{told(tau)}"
    )
    if alike is not None and alike.value is not None:
        text += f", and the {plural(alike.pairs, 'pair')} of like size with {told(alike)}"
    return text


def told(tau: Tau, *, brief: bool = False) -> str:
    """A tau with its interval, which a heading explains where it is brief."""
    if tau.value is None:
        return "none"
    if tau.low is None or tau.high is None:
        return f"{tau.value:+.2f}"
    kind = "" if brief else "95\N{NO-BREAK SPACE}% interval "
    return f"{tau.value:+.2f} ({kind}{tau.low:+.2f} to {tau.high:+.2f})"


def _fronts(found: Audit) -> str:
    before = [one for one in found.networks if one.on_front]
    left = [one for one in before if not one.on_long_front]
    joined = [one.trial for one in found.networks if one.on_long_front and not one.on_front]
    stay = len(before) - len(left)
    text = f"Of {len(before)} on their front {stay} {'stays' if stay == 1 else 'stay'}"
    if left:
        sure = sum(one.sure for one in left)
        text += f" ({_names([one.trial for one in left])} not, {sure} of them beyond two errors)"
    text += f"; {_names(joined)} would join it." if joined else "; no other would join it."
    stopped = [one for one in found.networks if one.stopped is not None]
    wrongly = [one.trial for one in stopped if one.on_long_front]
    if stopped:
        text += f" Of {len(stopped)} that were stopped at a rung, "
        text += f"{_names(wrongly)} would be on it." if wrongly else "none would be on it."
    return text


def _names(trials: Sequence[int]) -> str:
    return f"{'trial' if len(trials) == 1 else 'trials'} {', '.join(map(str, trials))}"
