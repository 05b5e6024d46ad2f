"""What a front is over: the one cost that a study compares qualities by.

A cost is a whole number, so that equal ones are equal: parameters, MACs of one image, or
nanoseconds of latency.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, Protocol

from search_spaces.latency import Latency, milliseconds


class Measured(Protocol):
    """Anything that knows its sizes, such as a trial or a baseline."""

    @property
    def params(self) -> int:
        """Parameters."""

    @property
    def macs(self) -> int:
        """MACs of one image."""

    @property
    def latency(self) -> Latency | None:
        """What was measured; None where nothing was."""


class Cost(StrEnum):
    """What a study compares networks by, beside their quality."""

    PARAMS = "params"
    MACS = "macs"
    LATENCY = "latency"

    def of(self, job: Measured) -> int | None:
        """What a network costs; None where its latency is not known."""
        if self is Cost.LATENCY:
            return None if job.latency is None else job.latency.nanoseconds
        return job.params if self is Cost.PARAMS else job.macs

    @property
    def size(self) -> Literal["params", "macs"]:
        """What is known of it before anything is built: a latency goes with the MACs."""
        return "params" if self is Cost.PARAMS else "macs"

    @property
    def noun(self) -> str:
        """In the middle of a sentence."""
        return _NOUNS[self]

    def told(self, cost: int) -> str:
        """A cost in words: ``12,345 parameters``, ``1,234,567 MACs``, ``12.3 ms``."""
        if self is Cost.LATENCY:
            return milliseconds(cost / 1e9)
        return f"{cost:,} {self.noun}"

    @property
    def label(self) -> str:
        """Of an axis."""
        return _LABELS[self]


def cost_of(settings: Mapping[str, Any]) -> Cost:
    """What the front of a study is over, by its stored settings."""
    return Cost((settings.get("objective") or {}).get("cost", Cost.PARAMS))


_NOUNS = {Cost.PARAMS: "parameters", Cost.MACS: "MACs", Cost.LATENCY: "latency"}
_LABELS = {
    Cost.PARAMS: "Parameters",
    Cost.MACS: "MACs of one image",
    Cost.LATENCY: "Latency (ms)",
}
