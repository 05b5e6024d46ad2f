"""What a sampler is asked and told; the tests hold each kind to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from search_spaces.choices import Value
from trials.evidence import Observation


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a sampler proposes.

    Attributes:
        ticket: hand it back with the answer.
        values: a value for every dimension.
        state: what the sampler wants back if it is rebuilt from the database.
        gain: what the study's hypervolume is expected to gain by it; None if nobody knows.
    """

    ticket: int
    values: Mapping[str, Value]
    state: Mapping[str, Any]
    gain: float | None = None


class Sampler(Protocol):
    """Proposes values, and is told what became of each proposal."""

    def ask(self, *, blindly: bool = False) -> Proposal | None:
        """Propose values; ``blindly`` draws at random, for when a model only repeats itself.

        Returns:
            None if the sampler knows that no network is left; one that does not know repeats
            itself, and is given up.
        """

    def refuse(self, ticket: int) -> None:
        """Take back a proposal that never became a trial, or a trial that failed."""

    def tell(self, ticket: int, observed: Observation) -> None:
        """Tell what was measured."""

    def restore(
        self,
        ticket: int,
        values: Mapping[str, Value],
        state: Mapping[str, Any],
        observed: Observation | None,
    ) -> None:
        """Put a trial of the database back: finished, or running if ``observed`` is None.

        Args:
            ticket: its number; proposals get higher ones.
            values: what was proposed.
            state: of the proposal.
            observed: what was told, in the order of telling.
        """
