"""A sampler that knows sizes: it models accuracy alone, and never proposes in vain.

Candidates are a million draws of the space, or fewer of one that is soon drawn out, counted before
anything is proposed, of which those stay that are distinct and inside every limit. Of them the one
is proposed whose training adds most to the hypervolume in expectation (`trials.gain`), by a model
of accuracy (`accuracy`) that learns from the measurements of every rung. Trials under way count as
if they had ended with the accuracy that the model expects of them, so several at once are spread.

A tiny network that says little is no bargain: what counts is hypervolume inside the area, whose
low end is known, and a network smaller than that counts as if it had that size.

A proposal follows from (study seed, number of proposals so far) and from what has been told. When
every candidate was proposed, and those of further draws that are unknown, there is none.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from search_spaces import InfeasibleError, plan_network
from search_spaces.candidates import Candidates, described, drawn
from search_spaces.choices import Value
from search_spaces.constraints import Limits
from search_spaces.describing import Descriptions
from search_spaces.space import Space
from trials.area import Area, Point
from trials.costs import Cost
from trials.curves import CurveModel, Curves, Numbers, most_probable, newest, scaling
from trials.evidence import Observation, thinned
from trials.gain import Steps
from trials.sampling.contract import Proposal
from trials.sampling.screening import Rows, Score, Screen

Floats = NDArray[np.float64]

CANDIDATES = 1_000_000
"""Draws of the space that candidates are found among."""

EVIDENCE = 160
"""Finished trials that the model is thinned to, when there are twice as many."""

POINTS = 400
"""Measurements that the model learns from, at most: the last of every trial, and others."""

EVERY_TIME, SOMETIMES = 20, 10
"""Its numbers are found anew after each of the first finished trials, then after every tenth."""

MORE = 131_072
"""Further draws that are looked through for an unknown network when no candidate is left."""


@dataclass(frozen=True)
class Known:
    """What is known before anything is trained.

    Attributes:
        space: that networks are of.
        limits: that they must keep.
        area: that hypervolume is a share of.
        top: epochs of the top rung.
        digests: of networks that are not to be proposed, as far as they are known elsewhere.
        cost: what the front is over, parameters or MACs; a latency nobody knows beforehand.
    """

    space: Space
    limits: Limits
    area: Area
    top: int
    digests: Collection[str] = ()
    cost: Cost = Cost.PARAMS

    def of(self, table: Candidates | Descriptions) -> NDArray[np.int64]:
        """The cost of each network."""
        return table.macs if self.cost is Cost.MACS else table.params


@dataclass(slots=True)
class _Seen:
    """A trial: finished, or under way if ``observed`` is None."""

    values: Mapping[str, Value]
    observed: Observation | None = None
    features: NDArray[np.float32] | None = None
    cost: int = 0


@dataclass
class Exact:
    """The sampler; see above.

    Args:
        known: the space and what is asked of it.
        seed: the study's seed.
        startup: values proposed first, in this order.
        asked: proposals made before this sampler was built.
        candidates: what to choose from; if unset, they are drawn when they are first needed.
    """

    known: Known
    seed: int
    startup: Sequence[Mapping[str, Value]] = ()
    asked: int = 0
    candidates: Candidates | None = None
    _seen: dict[int, _Seen] = field(default_factory=dict, init=False)
    _tickets: int = field(default=0, init=False)
    _digests: set[str] = field(default_factory=set, init=False)
    _told: int = field(default=0, init=False)
    _expected: float | None = field(default=None, init=False)
    _finished: list[int] = field(default_factory=list, init=False)
    _basis: tuple[int, ...] = field(default=(), init=False)
    _numbers: tuple[tuple[int, ...], Numbers | None] = field(default=((), None), init=False)
    _gone: set[int] = field(default_factory=set, init=False)
    _looked_at: int = field(default=0, init=False)

    def ask(self, *, blindly: bool = False) -> Proposal | None:
        """Propose values; ``blindly`` draws at random. None if no unknown network is found."""
        index, self.asked = self.asked, self.asked + 1
        values, self._expected = None, None
        if index < len(self.startup) and not blindly:
            values = self._new(self.startup[index])
        if values is None:
            with ThreadpoolController().limit(limits=1):
                values = self._chosen(index, blindly=blindly)
        if values is None:
            return None
        ticket, self._tickets = self._tickets, self._tickets + 1
        self._seen[ticket] = _Seen(values)
        return Proposal(ticket, dict(values), {}, self._expected)

    def take_candidates(self, other: "Exact") -> None:
        """Choose from what another sampler of this space and seed has drawn, counted and sorted."""
        drawn = ("pool", "_scaling", "_inputs", "screen", "_rest")
        self.__dict__.update({name: value for name, value in vars(other).items() if name in drawn})

    def _chosen(self, index: int, *, blindly: bool) -> Mapping[str, Value] | None:
        rng = np.random.default_rng([self.seed, index])
        for row in self._rows(rng, blindly=blindly):
            if row in self._gone:
                continue
            self._gone.add(row)
            values = self._new(self.pool.values(row))
            if values is not None:
                return values
        return self._further()

    def _rows(self, rng: np.random.Generator, *, blindly: bool) -> Iterator[int]:
        """Candidates in the order of preference; those that nobody looked at come last."""
        if self._finished and len(self.pool) and not blindly:
            yield from self._by_gain().tolist()
        yield from rng.permutation(len(self.pool)).tolist()

    def _new(self, values: Mapping[str, Value]) -> Mapping[str, Value] | None:
        """These values, if they stand for a network that was not proposed before."""
        space = self.known.space
        try:
            digest = plan_network(space.decode(values), space.backbone).digest
        except InfeasibleError:
            return None
        if digest in self._digests or digest in self.known.digests:
            return None
        self._digests.add(digest)
        return values

    def _further(self) -> Mapping[str, Value] | None:
        """An unknown network that is no candidate: a rare one, or one that is only begun otherwise.

        What a candidate stands for has the same cells, runs and attention, and is another network
        if cells are assigned otherwise.
        """
        while self._looked_at < len(self._rest):
            values = self._new(self._rest.values(self._looked_at))
            self._looked_at += 1
            if values is not None:
                return values
        return None

    @cached_property
    def _rest(self) -> Candidates:
        """Further draws, distinct by all of their settings."""
        known = self.known
        return drawn(known.space, known.limits, MORE, self.seed + 1, by_settings=True)

    @cached_property
    def pool(self) -> Candidates:
        """What is chosen from."""
        if self.candidates is not None:
            return self.candidates
        return drawn(self.known.space, self.known.limits, CANDIDATES, self.seed)

    @cached_property
    def _scaling(self) -> Floats:
        return scaling(self.pool.features)

    def _scaled(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = (features * self._scaling).astype(np.float32)
        return found

    @cached_property
    def _inputs(self) -> NDArray[np.float32]:
        return self._scaled(self.pool.features)

    @cached_property
    def screen(self) -> Screen:
        """The candidates in boxes of like features."""
        return Screen(self._inputs)

    def _by_gain(self) -> Rows:
        """Candidates by what they are expected to add, the best first."""
        gain, rough = self.gains()
        rows = self.screen.best_first(gain, rough)
        self._expected = float(gain(rows[:1])[0])
        return rows

    def gains(self) -> tuple[Score, Score]:
        """What candidates are expected to add to the hypervolume: exactly, and roughly."""
        self._describe()
        model = CurveModel(self._curves(self._finished), self.known.top, self._learnt())
        open_trials = [s for _, s in sorted(self._seen.items()) if s.observed is None]
        believed: list[Point] = []
        if open_trials:
            means, _ = model.predict(self._rows_of(open_trials))
            ended = [(s, float(mean)) for s, mean in zip(open_trials, means, strict=True)]
            model = CurveModel(self._curves(self._finished, ended), self.known.top, model.numbers)
            believed = [Point.of(s.cost, mean, -1) for s, mean in ended]
        steps = Steps.of(self.known.area, [*self._complete(), *believed])

        def gain(rows: Rows) -> Floats:
            means, deviations = model.predict(self._inputs[rows].astype(np.float64))
            return steps.expected_gain(self.known.of(self.pool)[rows], means, deviations)

        def rough(rows: Rows) -> Floats:
            means, deviations = model.rough(self._inputs[rows])
            return steps.expected_gain(self.known.of(self.pool)[rows], means, deviations)

        return gain, rough

    def _complete(self) -> Iterator[Point]:
        for ticket in self._finished:
            observed = self._seen[ticket].observed
            if observed is not None and observed.lacking == 0:
                yield Point.of(observed.cost, observed.accuracy, ticket)

    def _describe(self) -> None:
        """Work out the features of trials that have none yet."""
        bare = [seen for seen in self._seen.values() if seen.features is None]
        if bare:
            table = described(self.known.space, [seen.values for seen in bare])
            for row, seen in enumerate(bare):
                seen.features = table.features[row]
                seen.cost = int(self.known.of(table)[row])

    def _rows_of(self, trials: Sequence[_Seen]) -> Floats:
        """Features of trials, scaled."""
        found: Floats = self._scaled(np.array([s.features for s in trials])).astype(np.float64)
        return found

    def _learnt(self) -> Numbers:
        """Numbers of the model, found anew now and then."""
        basis, numbers = self._numbers
        if numbers is None or basis != self._basis:
            numbers = most_probable(self._curves(self._basis), self.known.top)
            self._numbers = (self._basis, numbers)
        return numbers

    def _curves(self, tickets: Sequence[int], ended: Sequence[tuple[_Seen, float]] = ()) -> Curves:
        """What is learnt from, as `newest` picks it.

        Args:
            tickets: of finished trials.
            ended: trials under way, as if they had ended with that accuracy.
        """
        rows = newest([self._curve(self._seen[ticket]) for ticket in tickets], POINTS)
        rows += [(len(tickets) + n, self.known.top, a, 0.0) for n, (_, a) in enumerate(ended)]
        network, epochs, accuracy, error = (np.array(column) for column in zip(*rows, strict=True))
        trials = [*(self._seen[ticket] for ticket in tickets), *(seen for seen, _ in ended)]
        return Curves(
            self._rows_of(trials),
            network.astype(np.int64),
            epochs.astype(np.float64),
            accuracy.astype(np.float64),
            error.astype(np.float64),
        )

    def _curve(self, seen: _Seen) -> Sequence[tuple[float, float, float]]:
        observed = seen.observed
        assert observed is not None  # noqa: S101 - only finished trials are asked for
        if observed.curve:
            return observed.curve
        return ((max(1.0, (1 - observed.lacking) * self.known.top), observed.accuracy, 0.0),)

    def refuse(self, ticket: int) -> None:
        """Take back a proposal that never became a trial, or a trial that failed."""
        del self._seen[ticket]

    def tell(self, ticket: int, observed: Observation) -> None:
        """Tell what was measured."""
        self._learn(ticket, _Seen(self._seen[ticket].values, observed))

    def restore(
        self,
        ticket: int,
        values: Mapping[str, Value],
        state: Mapping[str, Any],
        observed: Observation | None,
    ) -> None:
        """Put a trial of the database back: finished, or running if ``observed`` is None."""
        del state
        self._tickets = max(self._tickets, ticket + 1)
        if not self.known.digests:
            self._new(values)
        if observed is None:
            self._seen[ticket] = _Seen(values)
        else:
            self._learn(ticket, _Seen(values, observed))

    def _learn(self, ticket: int, seen: _Seen) -> None:
        """Keep a finished trial, again if it went on; thin them all when there are too many."""
        self._seen[ticket] = seen
        if ticket in self._finished:
            return
        self._finished.append(ticket)
        self._told += 1
        if len(self._finished) >= 2 * EVIDENCE:
            told = [self._seen[t].observed for t in self._finished]
            kept = set(thinned([one for one in told if one is not None], EVIDENCE))
            for place, other in enumerate(self._finished):
                if place not in kept:
                    del self._seen[other]
            self._finished = [t for p, t in enumerate(self._finished) if p in kept]
            self._basis = tuple(self._finished)
        elif self._told <= EVERY_TIME or self._told % SOMETIMES == 0:
            self._basis = tuple(self._finished)
