"""Which finished trials a sampler learns from, once there are too many to learn from them all.

A model of a few hundred networks proposes as well as one of a hundred thousand, and asking it
costs the same for ever. Kept are the best, so that what was found is not forgotten; the newest, so
that the model follows the search; and others spread over the sizes, so that it knows the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from trials.pareto import Point, crowding, ranks


@dataclass(frozen=True, slots=True)
class Observation:
    """A finished trial as samplers see it.

    Attributes:
        params: parameters of the network.
        accuracy: its last accuracy.
        lacking: share of the top rung's epochs that it was not trained for, 0 if complete.
    """

    params: int
    accuracy: float
    lacking: float = 0.0


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
    others = (place for place in reversed(range(len(seen))) if place not in kept)
    kept.update([*islice(others, number // 4)])
    rest = sorted(set(range(len(seen))) - kept, key=lambda place: (seen[place].params, place))
    room = number - len(kept)
    kept.update(rest[int((step + 0.5) * len(rest) / room)] for step in range(room))
    return sorted(kept)


def by_merit(seen: Sequence[Observation]) -> list[int]:
    """Places of observations, the best first: complete ones, by rank, then by crowding."""
    if not seen:
        return []
    points = [Point.of(one.params, one.accuracy, place) for place, one in enumerate(seen)]
    lacking = np.array([one.lacking for one in seen])
    rank = ranks(points)
    distance = np.zeros(len(seen))
    for front in range(int(rank.max()) + 1):
        places = np.flatnonzero(rank == front)
        distance[places] = crowding([points[place] for place in places])
    return [int(place) for place in np.lexsort((-distance, rank, lacking))]
