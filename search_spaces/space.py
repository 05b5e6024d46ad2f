"""The space of configurations: dimensions, decoding, and samples that cover the range of sizes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np

from search_spaces.budget import Count, count
from search_spaces.choices import Choice, FloatRange, Options, Value, rounded
from search_spaces.config import RATIOS, NetworkConfig
from search_spaces.constraints import Limits
from search_spaces.counting import count_configs
from search_spaces.errors import InfeasibleError, InputError, nearest
from search_spaces.sites import SHARING_RANGES, Backbone

SETTINGS = (*RATIOS, "sharing_range", "spatial_partition")
"""What may be chosen, by upstream's names."""

_POOL = 1024
_EDGE = 4096

FURTHER = 63
"""Pools of random draws that are looked through when a budget lies between those of the first."""


Sized = Literal["params", "macs"]
"""What the size of a network is."""


class _Size(NamedTuple):
    params: int
    macs: int


@dataclass(frozen=True)
class Space:
    """All configurations of one backbone that a study may try.

    Attributes:
        backbone: the table that configurations are planned on.
        choices: what each setting may take; a setting left out keeps `NetworkConfig`'s default.
        granularity: ``"network"`` gives every ratio one value, ``"stage"`` one a stage.
    """

    backbone: Backbone
    choices: Mapping[str, Choice]
    granularity: Literal["network", "stage"] = "network"

    def __post_init__(self) -> None:
        for setting, choice in self.choices.items():
            if setting not in SETTINGS:
                raise InputError(
                    f"{setting!r} cannot be searched; the settings are {', '.join(SETTINGS)}."
                    f"{nearest(setting, SETTINGS)}",
                )
            if setting == "sharing_range" and isinstance(choice, Options):
                for value in choice:
                    if value not in SHARING_RANGES:
                        raise InputError(
                            f"{value!r} is not a sharing range; they are "
                            f"{', '.join(SHARING_RANGES)}.{nearest(str(value), SHARING_RANGES)}",
                        )

    @cached_property
    def dimensions(self) -> dict[str, Choice]:
        """What is really open, by name: ``"reduction"`` or ``"reduction.stage0"``."""
        return {
            name: choice
            for name, choice in self._all_dimensions()
            if isinstance(choice, FloatRange) or not choice.fixed
        }

    def _all_dimensions(self) -> Iterator[tuple[str, Choice]]:
        for setting, choice in self.choices.items():
            if self.granularity == "stage" and setting in RATIOS:
                for stage in self.backbone.stages:
                    yield f"{setting}.{stage}", choice
            else:
                yield setting, choice

    def decode(self, values: Mapping[str, Value]) -> NetworkConfig:
        """The configuration that a value for every open dimension stands for.

        Numbers are read with four significant digits.

        Raises:
            InputError: a dimension has no value, or one it cannot take.
        """
        settings: dict[str, Any] = {}
        for setting, choice in self.choices.items():
            if self.granularity == "stage" and setting in RATIOS:
                per_stage = tuple(
                    self._value(f"{setting}.{stage}", choice, values)
                    for stage in self.backbone.stages
                )
                settings[setting] = per_stage[0] if len(set(per_stage)) == 1 else per_stage
            else:
                settings[setting] = self._value(setting, choice, values)
        if "sharing_range" in settings:
            settings["sharing_range"] = SHARING_RANGES[settings["sharing_range"]]
        split = any(isinstance(settings.get(name), tuple) for name in RATIOS)
        return NetworkConfig(
            backbone=self.backbone.name,
            num_classes=self.backbone.num_classes,
            in_channels=self.backbone.in_channels,
            granularity="stage" if split else "network",
            **settings,
        )

    def _value(self, name: str, choice: Choice, values: Mapping[str, Value]) -> Value:
        if isinstance(choice, Options) and choice.fixed:
            return _number(choice.values[0])
        if name not in values:
            raise InputError(f"Dimension {name!r} has no value.", "Give every open dimension one.")
        value = values[name]
        if isinstance(choice, FloatRange):
            if not isinstance(value, int | float) or not choice.low <= value <= choice.high:
                raise InputError(
                    f"{name}={value!r} is not in the range {choice.low} to {choice.high}."
                )
            return min(max(rounded(float(value)), choice.low), choice.high)
        if value not in choice.values:
            raise InputError(f"{name}={value!r} is not one of {list(choice.values)}.")
        return _number(value)

    def draw(self, rng: np.random.Generator) -> dict[str, Value]:
        """Values drawn uniformly, each dimension for itself.

        Half of the draws of a space per stage give all stages of a setting the same value, as
        independent stages hardly ever make a network that is small, or large, as a whole.
        """
        together = self.granularity == "stage" and rng.random() < 0.5  # noqa: PLR2004 - one half
        shares: dict[str, float] = {}
        values: dict[str, Value] = {}
        for name, choice in self.dimensions.items():
            key = name.partition(".")[0] if together else name
            if key not in shares:
                shares[key] = rng.random()
            values[name] = choice.at(shares[key])
        return values

    def count(self, values: Mapping[str, Value]) -> Count | None:
        """What the network of these values costs, or None if it cannot be built."""
        try:
            return count(self.decode(values), self.backbone)
        except InfeasibleError:
            return None

    def spread(
        self, number: int, limits: Limits, seed: int, by: Sized = "params"
    ) -> list[dict[str, Value]]:
        """Values of networks inside the limits whose sizes cover the budget evenly.

        Random draws are counted, and for each of ``number`` evenly spaced points between the
        logarithms of the smallest and the largest size found, the nearest draw is taken. Large
        and small alternate (by a van der Corput sequence), so that any beginning of the list
        covers the range too.

        Returns:
            ``number`` values, or fewer where fewer networks were found.
        """
        drawn = self._found(self._drawn(seed), limits, seed)
        found = {getattr(size, by): values for values, size in drawn}
        if not found:
            return []
        sizes = dict(sorted(found.items()))
        logs = np.log(np.array(list(sizes), dtype=float))
        low, high = logs[0], logs[-1]
        chosen: dict[int, None] = {}
        for share in islice(_van_der_corput(), 2 * number):
            free = [i for i in range(len(logs)) if i not in chosen]
            if not free or len(chosen) == number:
                break
            target = low + share * (high - low)
            chosen[min(free, key=lambda i: abs(float(logs[i]) - target))] = None
        pool = list(sizes.values())
        return [pool[i] for i in chosen]

    def smallest(self, seed: int = 0) -> tuple[NetworkConfig, Count] | None:
        """The smallest network found among the corners and random draws, or None."""
        found = list(self._inside(self._probes(seed), Limits()))
        if not found:
            return None
        config = self.decode(min(found, key=lambda one: one[1].params)[0])
        return config, count(config, self.backbone)

    def ends(
        self, limits: Limits, seed: int = 0, by: Sized = "params"
    ) -> tuple[NetworkConfig, NetworkConfig] | None:
        """The smallest and the largest network found inside the limits, or None."""
        inside = self._found(self._probes(seed), limits, seed)
        found = sorted(inside, key=lambda one: getattr(one[1], by))
        return (self.decode(found[0][0]), self.decode(found[-1][0])) if found else None

    def smallest_params(self, seed: int = 0, by: Sized = "params") -> int:
        """Parameters, or MACs, of the smallest network found; 1 if there is none."""
        return min(self._sizes(seed, by), default=1)

    def largest(self, seed: int = 0, by: Sized = "params") -> int:
        """Parameters, or MACs, of the largest network found among corners and random draws."""
        return max(self._sizes(seed, by), default=0)

    def _sizes(self, seed: int, by: Sized) -> Iterator[int]:
        for _, size in self._inside(self._probes(seed), Limits()):
            yield getattr(size, by)

    def has_member(self, limits: Limits, seed: int = 0) -> bool:
        """Whether some network inside the limits was found among corners and random draws."""
        return bool(self._found(self._probes(seed), limits, seed))

    def _found(
        self, many: Iterable[dict[str, Value]], limits: Limits, seed: int
    ) -> list[tuple[dict[str, Value], _Size]]:
        """What is inside the limits; of further draws if nothing is, though sizes surround them."""
        pool = list(many)
        found = list(self._inside(pool, limits))
        if (
            found
            or self._corners_are_all
            or not all(any(True for _ in self._inside(pool, side)) for side in limits.sides)
        ):
            return found
        rng = np.random.default_rng([seed, 1])
        for _ in range(FURTHER):
            found = list(self._inside([self.draw(rng) for _ in range(_POOL)], limits))
            if found:
                break
        return found

    @cached_property
    def _corners_are_all(self) -> bool:
        """Whether `_probes` begins with every configuration."""
        lists = [choice for choice in self.choices.values() if isinstance(choice, Options)]
        alike = self.granularity == "network" and len(lists) == len(self.choices)
        return alike and prod(len(choice.values) for choice in lists) <= _EDGE

    def _inside(
        self, many: Iterable[dict[str, Value]], limits: Limits
    ) -> Iterator[tuple[dict[str, Value], _Size]]:
        """Values of networks that can be built inside the limits, with their sizes."""
        pool = list(many)
        counts = count_configs([self.decode(values) for values in pool], self.backbone)
        for row, values in enumerate(pool):
            size = _Size(int(counts.params[row]), int(counts.macs[row]))
            if counts.feasible[row] and not limits.broken(size):
                yield values, size

    def _drawn(self, seed: int) -> Iterator[dict[str, Value]]:
        rng = np.random.default_rng(seed)
        for _ in range(_POOL):
            yield self.draw(rng)

    def _probes(self, seed: int) -> Iterator[dict[str, Value]]:
        """Uniform corners first (a setting alike in all stages), then random draws."""
        ends = {
            setting: (choice.low, choice.high) if isinstance(choice, FloatRange) else choice.values
            for setting, choice in self.choices.items()
        }
        for corner in islice(product(*ends.values()), _EDGE):
            picked = dict(zip(ends, corner, strict=True))
            yield {name: picked[name.partition(".")[0]] for name in self.dimensions}
        yield from self._drawn(seed)


def _number(value: Value) -> Value:
    """Integers written for ratios, as in ``[1, 2]``, are read as floats."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _van_der_corput() -> Iterator[float]:
    """0, 1, then 1/2, 1/4, 3/4, 1/8, ...: points that fill [0, 1] evenly from the first on."""
    yield from (0.0, 1.0)
    index = 1
    while True:
        value, base, rest = 0.0, 0.5, index
        while rest:
            value += base * (rest & 1)
            rest >>= 1
            base /= 2
        yield value
        index += 1
