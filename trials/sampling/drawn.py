"""Samplers that learn nothing: random draws, and points of a sequence that fills the space evenly.

``qmc`` takes the points of a scrambled Sobol' sequence (scipy's) over all dimensions. Optuna's
own QMC sampler draws options at random and forgets its place when it is rebuilt.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

from search_spaces.choices import Choice, Value
from trials.evidence import Observation
from trials.sampling.contract import Proposal


class Drawn:
    """A sampler whose next proposal depends only on how many there were.

    Args:
        dimensions: what each dimension can take.
        seed: the study's seed.
        startup: values proposed first, in this order.
        asked: proposals made before this sampler was built.
        evenly: whether points fill the space evenly (``qmc``) or are drawn independently.
    """

    def __init__(
        self,
        dimensions: Mapping[str, Choice],
        seed: int,
        startup: Sequence[Mapping[str, Value]] = (),
        asked: int = 0,
        *,
        evenly: bool,
    ) -> None:
        self._dimensions = dict(dimensions)
        self._seed = seed
        self._startup = tuple(startup)
        self._asked = asked
        self._sequence = qmc.Sobol(len(self._dimensions), rng=seed) if evenly else None
        if self._sequence is not None and asked > len(self._startup):
            self._sequence.fast_forward(asked - len(self._startup))

    def ask(self, *, blindly: bool = False) -> Proposal:
        """The next point; it is as blind as ever."""
        del blindly
        index = self._asked
        self._asked += 1
        if index < len(self._startup):
            return Proposal(index, dict(self._startup[index]), {})
        if self._sequence is not None:
            shares = self._sequence.random(1)[0]
        else:
            shares = np.random.default_rng([self._seed, index]).random(len(self._dimensions))
        values = {
            name: choice.at(float(share))
            for (name, choice), share in zip(self._dimensions.items(), shares, strict=True)
        }
        return Proposal(index, values, {})

    def refuse(self, ticket: int) -> None:
        """Nothing is learnt."""

    def tell(self, ticket: int, observed: Observation) -> None:
        """Nothing is learnt."""

    def restore(
        self,
        ticket: int,
        values: Mapping[str, Value],
        state: Mapping[str, Any],
        observed: Observation | None,
    ) -> None:
        """Nothing is learnt."""
