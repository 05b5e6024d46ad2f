"""Finite spaces: every network once, counted as one by one."""

from itertools import product

import pytest

from search_spaces import InputError, NetworkConfig, count, plan_network
from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.config import SHARING_RANGES
from search_spaces.constraints import Limits
from search_spaces.finite import members
from search_spaces.space import Space

TABLE = shipped("resnet8x0.5", 10, 1, (8, 8))
CHOICES = {
    "cell_num_ratio": Options((0.5, 1.0)),
    "cell_inplane_ratio": Options((0.5, 1.0)),
    "reduction": Options((0.03125, 0.0625)),
    "sharing_range": Options(("none", "stage")),
}


def test_each_network_stands_once_with_its_own_counts():
    """A reduction that the narrowest hidden layer hides makes no second network."""
    found = members(Space(TABLE, CHOICES), Limits(max_params=25_000))
    wanted = {}
    for ratio, cell, reduction, sharing in product(
        (0.5, 1.0), (0.5, 1.0), (0.03125, 0.0625), ("none", "stage")
    ):
        config = NetworkConfig(
            backbone=TABLE.name,
            num_classes=10,
            in_channels=1,
            cell_num_ratio=ratio,
            cell_inplane_ratio=cell,
            reduction=reduction,
            sharing_range=SHARING_RANGES[sharing],
        )
        size = count(config, TABLE)
        if size.params <= 25_000:
            wanted[plan_network(config, TABLE).digest] = (size.params, size.macs)
    assert {one.digest: (one.params, one.macs) for one in found} == wanted
    assert len(found) == len(wanted)
    assert 0 < len(found) <= 8
    assert all(plan_network(one.config, TABLE).digest == one.digest for one in found)


def test_a_range_cannot_be_listed():
    space = Space(TABLE, CHOICES | {"cell_num_ratio": FloatRange(0.125, 4.0, log=True)})
    with pytest.raises(InputError, match=r"cell_num_ratio can take any number from 0.125 to 4"):
        members(space, Limits())


def test_too_many_configurations_are_refused():
    many = Options(tuple(1 + place / 1000 for place in range(30_000)))
    with pytest.raises(InputError, match="240,000 configurations; 200,000"):
        members(Space(TABLE, CHOICES | {"cell_num_ratio": many}), Limits())
