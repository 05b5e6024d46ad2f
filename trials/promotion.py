"""Multi-objective successive halving, asynchronous, in the variant that stops trials.

Parameters are exact before the first step, so only accuracy is uncertain. At each rung but the
top one a trial goes on if it is among the best 1 / eta of the trials seen at that rung, ranked by
non-domination of (cost, accuracy) and then by crowding, so that small networks compete with
small ones. Asynchronous successive halving is Li et al., "A System for Massively Parallel
Hyperparameter Tuning", MLSys 2020; the ranking is NSGA-II's (Deb et al. 2002).

So that no size is given up, the logarithm of the cost over the budget is cut into bands, and a
trial goes on if none of its band has gone on from that rung yet.

Everything here is a pure function of a rung's table: no clock, no randomness, no input or output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

from trials.area import Point
from trials.costs import Cost
from trials.pareto import crowding, ranks
from trials.records import Decision, Entry

WINDOW = 999
"""Latest trials of a rung that a newcomer is compared with, which bounds the cost of deciding."""


@dataclass(frozen=True, slots=True)
class Halving:
    """The rule of one study.

    Attributes:
        eta: one in ``eta`` trials goes on from each rung.
        low: least cost of the budget, see `trials.costs`, lower end of the first band.
        high: greatest cost of the budget, upper end of the last band.
        bands: number of bands, equal in log-cost.
        kind: what the cost is.
    """

    eta: float
    low: int
    high: int
    bands: int = 4
    kind: Cost = Cost.PARAMS

    def band(self, cost: int) -> int:
        """Index of the size band that a network falls into."""
        return int(self._bands(np.array([cost]))[0])

    def _bands(self, costs: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.high <= self.low:
            return np.zeros(len(costs), dtype=np.int64)
        share = np.log(np.maximum(costs, 1) / self.low) / log(self.high / self.low)
        return np.clip((share * self.bands).astype(np.int64), 0, self.bands - 1)

    def decide(self, seen: Sequence[Entry], newcomer: Entry) -> Decision:
        """Whether ``newcomer`` goes on, given the latest `WINDOW` trials seen at its rung."""
        table = [*islice(seen, max(len(seen) - WINDOW, 0), None), newcomer]
        bands = self._bands(np.array([entry.cost for entry in table]))
        peers = [table[position] for position in np.flatnonzero(bands[:-1] == bands[-1])]
        if not any(peer.went_on for peer in peers):
            return Decision(goes_on=True, reason="No network of its size has gone on yet.")
        position, rank = _position(table)
        room = ceil(len(table) / self.eta)
        if position < room:
            return Decision(
                goes_on=True, reason=f"Place {position + 1} of {len(table)}, with room for {room}."
            )
        return Decision(goes_on=False, reason=self._why(table, position, rank, room))

    def _why(self, table: Sequence[Entry], position: int, rank: int, room: int) -> str:
        newcomer = table[-1]
        better = [
            e for e in table[:-1] if e.cost <= newcomer.cost and e.accuracy >= newcomer.accuracy
        ]
        text = f"Place {position + 1} of {len(table)} in front {rank + 1}, with room for {room}"
        if not better:
            return f"{text}: the front is crowded where it stands."
        own = self.kind.told(newcomer.cost).removesuffix(" parameters")
        best = max(better, key=lambda e: (e.accuracy, -e.cost, -e.number))
        return (
            f"{text}: trial {best.number} reached {best.accuracy:.2%} with "
            f"{self.kind.told(best.cost)}, this one {newcomer.accuracy:.2%} with {own}."
        )


def _position(table: Sequence[Entry]) -> tuple[int, int]:
    """Place (from 0) of the last entry, and its non-domination rank."""
    points = [Point(entry.cost, 1.0 - entry.accuracy, entry.number) for entry in table]
    rank = ranks(points)
    own = int(rank[-1])
    distance = crowding([points[position] for position in np.flatnonzero(rank == own)])
    ahead_in_front = int(np.sum(distance[:-1] > distance[-1]))
    return int(np.sum(rank < own)) + ahead_in_front, own
