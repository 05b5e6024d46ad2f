"""Which finished trials a sampler learns from, once there are too many to learn from them all.

A model of a few hundred networks proposes as well as one of a hundred thousand, and asking it
costs the same for ever. Kept are the best, so that what was found is not forgotten; the newest, so
that the model follows the search; and others spread over the sizes, so that it knows the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from trials.area import Point
from trials.pareto import crowding, ranks


@dataclass(frozen=True, slots=True)
class Observation:
    """A finished trial as samplers see it.

    Attributes:
        cost: of the network, see `trials.costs`.
        accuracy: its last accuracy.
        lacking: share of the top rung's epochs that it was not trained for, 0 if complete.
        curve: epochs, accuracy and its standard error of every measurement, by epochs; may be
            empty.
    """

    cost: int
    accuracy: float
    lacking: float = 0.0
    curve: tuple[tuple[int, float, float], ...] = ()


def thinned(seen: Sequence[Observation], number: int) -> list[int]:
    """Places of ``number`` observations worth keeping, ascending; all if there are no more.

    Half of them are the best: complete before incomplete, by rank of non-domination and then by
    crowding. A quarter are the newest of the rest, and a quarter lie evenly in what is left, sorted
    by parameters.

    Args:
        seen: oldest first.
        number: how many to keep.
    """
    if len(seen) <= number:
        return list(range(len(seen)))
    kept = set(by_merit(seen)[: number // 2])
    others = (index for index in reversed(range(len(seen))) if index not in kept)
    kept.update([*islice(others, number // 4)])
    rest = sorted(set(range(len(seen))) - kept, key=lambda index: (seen[index].cost, index))
    room = number - len(kept)
    kept.update(rest[int((step + 0.5) * len(rest) / room)] for step in range(room))
    return sorted(kept)


def by_merit(seen: Sequence[Observation]) -> list[int]:
    """Places of observations, the best first: complete ones, by rank, then by crowding."""
    if not seen:
        return []
    points = [Point.of(one.cost, one.accuracy, index) for index, one in enumerate(seen)]
    lacking = np.array([one.lacking for one in seen])
    rank = ranks(points)
    distance = np.zeros(len(seen))
    for front in range(int(rank.max()) + 1):
        indices = np.flatnonzero(rank == front)
        distance[indices] = crowding([points[index] for index in indices])
    return [int(index) for index in np.lexsort((-distance, rank, lacking))]
