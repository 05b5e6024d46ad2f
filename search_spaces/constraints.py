"""Hard limits on what a network costs: on its size as signed violations, and on its latency."""

from dataclasses import dataclass
from typing import Protocol

from search_spaces.latency import milliseconds


class Sized(Protocol):
    """Anything that knows its exact parameters and MACs, such as a `search_spaces.Count`."""

    @property
    def params(self) -> int:
        """Parameters in total."""

    @property
    def macs(self) -> int:
        """MACs of one image."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The budget. None means no limit.

    Attributes:
        max_params: most parameters allowed.
        min_params: fewest parameters allowed.
        max_macs: most MACs of one image allowed.
        min_macs: fewest MACs of one image allowed.
        max_latency: longest latency allowed, in seconds.
        min_latency: shortest latency allowed, in seconds.
    """

    max_params: int | None = None
    min_params: int | None = None
    max_macs: int | None = None
    min_macs: int | None = None
    max_latency: float | None = None
    min_latency: float | None = None

    def violations(self, size: Sized) -> dict[str, int]:
        """How far a network lies beyond each limit on its size; above 0 breaks it."""
        signed = {
            "max_params": (1, size.params, self.max_params),
            "min_params": (-1, size.params, self.min_params),
            "max_macs": (1, size.macs, self.max_macs),
            "min_macs": (-1, size.macs, self.min_macs),
        }
        return {
            name: sign * (value - limit)
            for name, (sign, value, limit) in signed.items()
            if limit is not None
        }

    def broken(self, size: Sized) -> tuple[str, ...]:
        """Names of the limits on its size that a network breaks."""
        return tuple(name for name, excess in self.violations(size).items() if excess > 0)

    @property
    def sides(self) -> "tuple[Limits, Limits]":
        """The upper limits on size alone, and the lower ones."""
        return (
            Limits(max_params=self.max_params, max_macs=self.max_macs),
            Limits(min_params=self.min_params, min_macs=self.min_macs),
        )

    def broken_by(self, latency: float) -> tuple[str, ...]:
        """Names of the limits that a latency in seconds breaks."""
        most, least = self.max_latency, self.min_latency
        over = ("max_latency",) if most is not None and latency > most else ()
        under = ("min_latency",) if least is not None and latency < least else ()
        return (*over, *under)

    def __str__(self) -> str:
        limits = {name: getattr(self, name) for name in self.__slots__}
        texts = [
            f"{name} = {milliseconds(limit) if name.endswith('latency') else format(limit, ',')}"
            for name, limit in limits.items()
            if limit is not None
        ]
        return ", ".join(texts) or "no limit"
