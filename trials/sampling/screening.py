"""Which of a million candidates are looked at closely.

Candidates are sorted into boxes of like features, once (the leaves of scipy's k-d tree). A rough
score, which is cheap, is computed of the middle one of every box; then of every candidate in the
boxes whose middle ones score best. Those that are best so far are scored exactly, so each score
that counts is exact for its network, and a proposal costs little however many candidates there are;
that the best of all is among them is not certain (`benchmarks/sampler_speed.md` has figures).
Where there are no more candidates than are looked at anyway, all are scored exactly.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Rows = NDArray[np.int64]
Score = Callable[[Rows], NDArray[np.float64]]

BOX = 8
"""Candidates in a box, at most."""

OPENED = 65_536
"""Candidates in the boxes that are opened, about."""

CLOSELY = 4_096
"""Candidates that are scored exactly."""

ALL = 32_768
"""Candidates up to which all are scored exactly."""


class Screen:
    """The boxes of some candidates.

    Args:
        features: a row a candidate, scaled.
    """

    def __init__(self, features: NDArray[np.float32]) -> None:
        self._number = len(features)
        self._order: Rows = np.arange(self._number)
        self._begins = self._ends = np.zeros(0, dtype=np.int64)
        if self._number > ALL:
            tree = cKDTree(features, leafsize=BOX, compact_nodes=False)
            self._order = np.asarray(tree.indices, dtype=np.int64)
            boxes = np.array(sorted(_leaves(tree.tree)))
            self._begins, self._ends = boxes[:, 0], boxes[:, 1]

    def best_first(self, score: Score, rough: Score) -> Rows:
        """Candidates by descending score, as far as they are looked at; ties by row.

        Args:
            score: exact.
            rough: nearly the same, and cheaper.
        """
        rows = self._looked_at(rough)
        return rows[_descending(score(rows), rows)]

    def _looked_at(self, rough: Score) -> Rows:
        if not self._begins.size:
            return self._order
        middle = self._order[(self._begins + self._ends) // 2]
        best = _descending(rough(middle), middle)
        room = np.searchsorted(np.cumsum((self._ends - self._begins)[best]), OPENED) + 1
        opened = [self._order[self._begins[b] : self._ends[b]] for b in best[:room]]
        rows = np.concatenate(opened)
        return rows[_descending(rough(rows), rows)[:CLOSELY]]


def _descending(scores: NDArray[np.float64], rows: Rows) -> Rows:
    return np.lexsort((rows, -scores))


def _leaves(node: Any) -> list[tuple[int, int]]:  # noqa: ANN401 - scipy's node
    if node.lesser is None:
        return [(node.start_idx, node.end_idx)] if node.end_idx > node.start_idx else []
    return _leaves(node.lesser) + _leaves(node.greater)
