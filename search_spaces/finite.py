"""All distinct networks of a space whose settings are lists of values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import NamedTuple

from search_spaces.choices import Choice, FloatRange, Options, Value
from search_spaces.config import NetworkConfig
from search_spaces.constraints import Limits
from search_spaces.counting import count_configs
from search_spaces.errors import InputError
from search_spaces.space import Space
from search_spaces.warehouse import plan_network

MOST = 200_000
"""Configurations that are looked through, at most."""


class Member(NamedTuple):
    """One network of a space: the first configuration that builds it, and its costs."""

    digest: str
    config: NetworkConfig
    params: int
    macs: int


def members(space: Space, limits: Limits) -> list[Member]:
    """Distinct networks of a space inside the limits, in the order of the values.

    Raises:
        InputError: a setting can take any number of a range, or there are more than `MOST`
            configurations.
    """
    lists = {}
    for name, choice in space.dimensions.items():
        if isinstance(choice, FloatRange):
            raise InputError(
                f"{name} can take any number from {choice.low:g} to {choice.high:g}, so the space "
                "cannot be listed.",
                "List the values that it may take.",
            )
        lists[name] = choice.values
    number = prod(map(len, lists.values()))
    if number > MOST:
        raise InputError(
            f"The space has {number:,} configurations; {MOST:,} are listed at most.",
            "List fewer values.",
        )
    configs = [
        space.decode(dict(zip(lists, values, strict=True))) for values in product(*lists.values())
    ]
    counts = count_configs(configs, space.backbone)
    found: dict[str, Member] = {}
    for row, config in enumerate(configs):
        if not counts.feasible[row]:
            continue
        digest = plan_network(config, space.backbone).digest
        member = Member(digest, config, int(counts.params[row]), int(counts.macs[row]))
        if digest not in found and not limits.broken(member):
            found[digest] = member
    return list(found.values())


@dataclass(frozen=True)
class Snapped(Space):
    """A space in which numbers of a range are read as the nearest of listed values.

    Samplers see the ranges, so they propose as on any other space; networks come from the lists.

    Attributes:
        listed: by setting, the values that lie in its range.
    """

    listed: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def decode(self, values: Mapping[str, Value]) -> NetworkConfig:
        """The configuration of the nearest listed values; raises like `Space.decode`."""
        return super().decode({name: self._nearest(name, one) for name, one in values.items()})

    def _nearest(self, name: str, value: Value) -> Value:
        setting = name.partition(".")[0]
        choice = self.choices.get(setting)
        if not isinstance(choice, FloatRange) or not isinstance(value, int | float):
            return value
        place = choice.share(value)
        return min(self.listed[setting], key=lambda one: (abs(choice.share(one) - place), one))

    def lists(self) -> Space:
        """The same with lists instead of ranges."""
        lists: dict[str, Choice] = {
            name: Options(self.listed[name]) if isinstance(choice, FloatRange) else choice
            for name, choice in self.choices.items()
        }
        return Space(self.backbone, lists, self.granularity)
