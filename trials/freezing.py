"""Freeze and thaw: which trial goes on, which paused one is taken up again, or whether one begins.

All three are one question: what the front at the top rung is expected to gain for each epoch that
is spent. A trial that was stopped at a rung is *paused*: its network has a forecast of its
accuracy at the top (`trials.curves`), so an expected gain of hypervolume in closed form
(`trials.gain`), and costs the epochs that its checkpoint lacks, or all where it has none. Trials
under way stand on the front with what is expected of them.

A trial may be left at a rung on its way, so what an epoch of it is worth is an *index* (Gittins
1979): the greatest r for which some rung keeps ::

    E max(0, gain - r * epochs from that rung to the top)  >=  r * epochs until that rung

where the expectation is over what the rung may say (Gaussian quadrature); with the top itself as
that rung it is the gain over the epochs that are lacking. Whatever has the highest index goes on:
the trial that asks at its rung, a paused one, or a new one, which is taken to be like those that
were begun last. This asks for the most an epoch now, however many may be spent in all.

The first trials go to the top whatever they measure, since of curves that all end at the first
rung nothing is learnt. All trials together spend no more than a number of epochs.

Everything here is a pure function of a table of trials: no clock, no randomness, no input or
output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from search_spaces.errors import plural
from trials.area import Area, Point
from trials.curves import CurveModel, Curves, newest, scaling
from trials.fidelity import Ladder
from trials.gain import Steps
from trials.records import Decision

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Features = tuple[float, ...]
Curve = tuple[tuple[int, float, float], ...]

FIRST = 4
"""Trials that go to the top whatever they measure, at most; see `Thawing.first`."""

LIKE = 8
"""Trials begun last that stand for a new one."""

LATEST = 500
"""Latest trials that are looked at, which bounds the cost of deciding."""

POINTS = 500
"""Measurements that are learnt from, at most: the last of every trial, and others."""

CLOSELY = 16
"""Paused trials, those of the highest expected gain an epoch, of which it is looked at whether they
would be left at a rung on their way."""

_HALVINGS = 40
"""Steps of the bisection for an index."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


class Standing(StrEnum):
    """Where a trial stands, for whoever decides which one goes on."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETE = "complete"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Climber:
    """A trial on its way up the ladder.

    Attributes:
        number: of the trial.
        cost: of its network, see `trials.costs`.
        features: of its network's plan, see `search_spaces.features`.
        curve: epochs, accuracy and its standard error of every measurement, by epochs.
        standing: paused is one that was stopped, over one that failed.
        saved: epochs that need not be trained again, as a checkpoint has them.
    """

    number: int
    cost: int
    features: Features
    curve: Curve = ()
    standing: Standing = Standing.RUNNING
    saved: int = 0

    @property
    def reached(self) -> int:
        """Epochs measured."""
        return self.curve[-1][0] if self.curve else 0


@dataclass(frozen=True, slots=True)
class Choice:
    """What is done next: a paused trial goes on, or if there is none a new one begins, or neither.

    Attributes:
        thaws: number of the paused trial.
        begins: whether a new trial begins.
        reason: in a sentence for people.
    """

    thaws: int | None
    begins: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Thawing:
    """The rule of one study.

    Attributes:
        area: what hypervolume is a share of.
        ladder: rungs of a trial.
        epochs: that all trials together may take.
    """

    area: Area
    ladder: Ladder
    epochs: int

    @property
    def first(self) -> int:
        """Trials that go to the top whatever they measure: for a quarter of all epochs, at most."""
        return min(FIRST, max(1, self.epochs // (4 * self.ladder.top)))

    def at_rung(self, table: Sequence[Climber], number: int, *, may_begin: bool) -> Decision:
        """Whether a trial goes on from the rung that it has just been measured at.

        Args:
            table: all trials, by number; this one with its measurement.
            number: of this one.
            may_begin: whether a new trial could begin instead.
        """
        if number < self.first:
            reason = f"One of the first {self.first}, which show how accuracy grows to the top."
            return Decision(goes_on=True, reason=reason)
        weighed = self._weighed(table, number)
        if number not in weighed.rates:
            left = self.ladder.top - table[number].reached
            reason = (
                f"Paused: it lacks {plural(left, 'epoch')}, and {max(weighed.room, 0):,} of the "
                f"{self.epochs:,} that may be spent are left."
            )
            return Decision(goes_on=False, reason=reason)
        own = _rate(weighed.rates[number])
        choice = self._choice(weighed, may_begin=may_begin)
        if choice.thaws == number:
            others = [rate for other, rate in weighed.rates.items() if other != number]
            beside = f", and {_rate(max(others))} of the best paused one" if others else ""
            return Decision(goes_on=True, reason=f"{own} is expected of it{beside}.")
        return Decision(goes_on=False, reason=f"Paused: {own} is expected of it. {choice.reason}")

    def choose(self, table: Sequence[Climber], *, may_begin: bool) -> Choice:
        """What a free worker does.

        Args:
            table: all trials, by number.
            may_begin: whether a new trial may begin.
        """
        if len(table) < self.first and may_begin:
            return Choice(
                None, begins=True, reason="The first trials begin whatever comes of them."
            )
        return self._choice(self._weighed(table), may_begin=may_begin)

    def least(self, table: Sequence[Climber]) -> list[int]:
        """Paused trials, that of which least is expected first."""
        rates = self._weighed(table, anyway=True).rates
        paused = [one.number for one in table if one.standing is Standing.PAUSED]
        return sorted(paused, key=lambda number: (rates.get(number, 0.0), number))

    def _choice(self, weighed: "_Weighed", *, may_begin: bool) -> Choice:
        best = max(weighed.rates, key=lambda n: (weighed.rates[n], -n), default=None)
        rate = 0.0 if best is None else weighed.rates[best]
        may_begin = may_begin and weighed.room >= self.ladder.top
        if may_begin and (best is None or weighed.worth_of_new(rate) > 0):
            return Choice(None, begins=True, reason="A new trial promises more.")
        if best is None or rate <= 0:
            return Choice(None, begins=False, reason="Nothing is expected of any trial.")
        return Choice(
            best, begins=False, reason=f"Trial {best} promises more: {_rate(rate)} is expected."
        )

    def _weighed(
        self, table: Sequence[Climber], asking: int | None = None, *, anyway: bool = False
    ) -> "_Weighed":
        """The table as far as it is looked at.

        Args:
            table: all trials, by number.
            asking: number of a trial under way that may be paused.
            anyway: whether trials are weighed that lack more epochs than are left.
        """
        return _Weighed(self, table, asking, anyway=anyway)


class _Ways(NamedTuple):
    """What some trials gain, weighed at a rung on their way and left there, or trained to the top.

    Attributes:
        gains: at the top, by rung, by what the rung may say, and by trial; the last rung is the
            top, where all of it is weighed.
        spent: epochs until each rung, a row a trial.
        lacks: epochs until the top, by trial.
    """

    gains: Floats
    spent: Ints
    lacks: Ints

    def worth(self, rate: Floats) -> Floats:
        """What each gains above a rate for every epoch that it takes, by the best of the rungs."""
        after = (self.lacks[:, None] - self.spent).T[:, None]
        net = np.maximum(self.gains - rate * after, 0.0)
        each = np.einsum("rnt,n->rt", net, _WEIGHTS) - rate * self.spent.T
        found: Floats = each.max(axis=0)
        return found

    def rates(self) -> Floats:
        """The rate above which each is worth nothing, by bisection."""
        low = np.zeros(len(self.lacks))
        high = np.max(self.gains, axis=(0, 1)) + 1e-12
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            above = self.worth(middle) > 0
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return low


class _Weighed:
    """What is expected of trials.

    Attributes:
        room: epochs that are not spent, and that no trial under way may need.
        rates: index of each trial that may go on, by number: its expected gain an epoch, if it may
            be left at a rung on its way.
    """

    def __init__(
        self, rule: Thawing, table: Sequence[Climber], asking: int | None, *, anyway: bool
    ) -> None:
        self._rule = rule
        self._table, self._latest = table, table[-LATEST:]
        self._asking = asking
        spent = sum(one.reached for one in table)
        self.room = rule.epochs - spent - sum(map(self._promised, table))
        with ThreadpoolController().limit(limits=1):
            key = tuple((one.features, one.curve) for one in self._latest)
            self._model = _model(key, rule.ladder.top) if spent else None
            self.rates = self._rates(anyway=anyway)

    def _runs(self, one: Climber) -> bool:
        return one.standing is Standing.RUNNING and one.number != self._asking

    def _promised(self, one: Climber) -> int:
        """Epochs that a trial under way may need: all if it has gone on, else the first rung's."""
        if not self._runs(one):
            return 0
        ladder = self._rule.ladder
        return ladder.top - one.reached if one.reached else ladder.rungs[0]

    def _lacks(self, one: Climber) -> int:
        """Epochs to be trained until the top."""
        return self._rule.ladder.top - (one.reached if one.number == self._asking else one.saved)

    def _rates(self, *, anyway: bool) -> dict[int, float]:
        places = [
            place
            for place, one in enumerate(self._latest)
            if (one.standing is Standing.PAUSED or one.number == self._asking)
            and (anyway or self._lacks(one) <= self.room)
        ]
        if not places or self._model is None:
            return {}
        forecast = self._model.forecast(places)
        gains = self._gains(places, forecast.mean, forecast.deviation)
        lacking = np.array([self._lacks(self._latest[place]) for place in places])
        rates = gains / lacking
        best = np.argsort(-rates, kind="stable")[:CLOSELY]
        asking = [n for n, p in enumerate(places) if self._latest[p].number == self._asking]
        closely = sorted({*best.tolist(), *asking})
        if closely:
            ways = self._ways_on([places[n] for n in closely])
            rates[closely] = np.maximum(rates[closely], ways.rates())
        return {
            self._latest[place].number: float(rate)
            for place, rate in zip(places, rates, strict=True)
        }

    def worth_of_new(self, rate: float) -> float:
        """What a new trial is expected to gain above ``rate`` for each epoch that it takes."""
        if self._model is None:
            return 1.0
        with ThreadpoolController().limit(limits=1):
            return float(np.mean(self._new.worth(np.full(len(self._new.spent), rate))))

    @cached_property
    def _new(self) -> "_Ways":
        """Ways on for new networks like those that were begun last."""
        return self._ways_on([*range(len(self._latest))][-LIKE:], fresh=True)

    def _ways_on(self, places: Sequence[int], *, fresh: bool = False) -> "_Ways":
        """What trials gain that are trained to a rung, and then to the top or left.

        Args:
            places: of trials among the latest.
            fresh: whether they stand for new ones.
        """
        assert self._model is not None  # noqa: S101 - whoever calls this has looked
        ladder = self._rule.ladder
        begun = [0 if fresh else self._latest[place].reached for place in places]
        paid = [ladder.top if fresh else self._lacks(self._latest[place]) for place in places]
        reached, lacks = np.array(begun), np.array(paid)
        rungs = [rung for rung in ladder.rungs[:-1] if rung > reached.min()]
        forecast = self._model.forecast(places, rungs, fresh=fresh)
        gains = np.empty((len(rungs) + 1, len(_NODES), len(places)))
        for rung, told in enumerate(forecast.told):
            left = np.sqrt(np.maximum(forecast.deviation**2 - told**2, 0.0))
            for index, node in enumerate(_NODES):
                gains[rung, index] = self._gains(places, forecast.mean + node * told, left)
        gains[-1] = self._gains(places, forecast.mean, forecast.deviation)
        ahead = np.array([*rungs, ladder.top])[:, None] - reached
        spent = np.where(ahead > 0, ahead + lacks - (ladder.top - reached), lacks)
        gains[:-1][np.broadcast_to(ahead[:-1, None] <= 0, gains[:-1].shape)] = 0.0
        return _Ways(gains, spent.T, lacks)

    def _gains(self, places: Sequence[int], mean: Floats, deviation: Floats) -> Floats:
        if self._model is None:
            return np.zeros(len(places))
        costs = [self._latest[place].cost for place in places]
        return self._steps.expected_gain(costs, *self._model.accuracies(mean, deviation))

    @cached_property
    def _steps(self) -> Steps:
        """The front of complete trials, and of those under way with what is expected of them."""
        points = [
            Point.of(one.cost, one.curve[-1][1], one.number)
            for one in self._table
            if one.standing is Standing.COMPLETE
        ]
        running = [place for place, one in enumerate(self._latest) if self._runs(one)]
        if running and self._model is not None:
            forecast = self._model.forecast(running)
            means, _ = self._model.accuracies(forecast.mean, forecast.deviation)
            for place, mean in zip(running, means, strict=True):
                one = self._latest[place]
                points.append(Point.of(one.cost, float(mean), one.number))
        return Steps.of(self._rule.area, points)


@lru_cache(maxsize=1)  # the rung and the worker that is free next ask about the same curves
def _model(table: tuple[tuple[Features, Curve], ...], top: int) -> CurveModel:
    """What is learnt from curves: of their measurements the newest."""
    rows = sorted(newest([curve for _, curve in table], POINTS))
    network, epochs, accuracy, error = (np.array(column) for column in zip(*rows, strict=True))
    features = np.array([one for one, _ in table], dtype=float)
    scaled = features * scaling(features)
    curves = Curves(scaled, network.astype(np.int64), epochs.astype(float), accuracy, error)
    return CurveModel(curves, top)


def _rate(rate: float) -> str:
    return f"{rate:.2g} of the hypervolume an epoch"
