"""What a plan knows of a network before any training, for many networks at once.

Features are what a model of accuracy learns from, each a column:

- of the whole network: the logarithm of parameters, the attentions' share of them, the logarithm
  of the number of warehouses, whether kernels are cut along space, and means over sites, weighted
  by the size of their plain kernels, of the logarithms of a cell's output and input channels and of
  the attention's width, and of the basis as a share of the cells;
- of every stage: the logarithm of its parameters in cells (those of a warehouse that serves several
  stages are shared out by mixtures), and the means over its sites of the logarithms of the cells
  that a kernel is mixed from and of the mixtures that it is made of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.columns import Bools, Floats, Ints, Layout, Served, warehouse_layout
from search_spaces.config import Granularity, NetworkConfig
from search_spaces.counting import read_columns
from search_spaces.grouping import groups_of
from search_spaces.sites import Backbone

Keys = NDArray[np.uint64]

WHOLE = 8
"""Features of the whole network; there are `PER_STAGE` of each stage behind them."""

PER_STAGE = 3


@dataclass(frozen=True, slots=True)
class Descriptions:
    """Costs and features of many configurations, row by row.

    Attributes:
        params: parameters in total.
        macs: MACs in total for one image.
        feasible: whether the network can be built, and its costs stay below 2^52.
        key: a number that two rows of one digest share.
        features: a column a feature.
    """

    params: Ints
    macs: Ints
    feasible: Bools
    key: Keys
    features: NDArray[np.float32]


def describe_many(
    backbone: Backbone,
    columns: Mapping[str, ArrayLike],
    *,
    granularity: Granularity = "network",
    sharing_range: tuple[str, ...] | None = None,
    spatial_partition: bool = True,
) -> Descriptions:
    """Describe configurations that differ in their ratios; `counting.count_many` counts them.

    Args:
        backbone: the table to plan on.
        columns: as in `counting.count_many`.
        granularity: likewise; ``"warehouse"`` is not described.
        sharing_range: likewise.
        spatial_partition: likewise.

    Raises:
        InputError: as in `counting.count_many`.
    """
    base = NetworkConfig(backbone=backbone.name, spatial_partition=spatial_partition)
    if sharing_range is not None:
        base = NetworkConfig(**{**base.model_dump(), "sharing_range": sharing_range})
    groups = groups_of(backbone, base.sharing_range)
    read = read_columns(columns, base, len(backbone.stages), granularity)
    rows = len(read["reduction"])
    sums = _Sums(backbone, rows)
    for group in groups:
        ratios = {name: c if c.ndim == 1 else c[:, group.stage] for name, c in read.items()}
        layout = warehouse_layout(backbone, group, ratios, spatial_partition=spatial_partition)
        sums.add(layout)
    return sums.described(len(groups), spatial_partition=spatial_partition)


def mixed(keys: Keys, column: Ints) -> Keys:
    """Keys that tell a further column of integers (multiplication and shifts, as in splitmix64)."""
    found: Keys = (keys ^ column.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    return found ^ (found >> np.uint64(29))


class _Sums:
    """Adds warehouses up, one after the other."""

    def __init__(self, backbone: Backbone, rows: int) -> None:
        self._backbone = backbone
        self._params: Ints = np.full(rows, backbone.plain_params)
        self._macs: Ints = np.full(rows, backbone.macs)
        self._feasible: Bools = np.ones(rows, dtype=bool)
        self._cells: Floats = np.zeros(rows)
        self._key: Keys = np.zeros(rows, dtype=np.uint64)
        self._means: Floats = np.zeros((4, rows))
        self._stages: Floats = np.zeros((len(backbone.stages), PER_STAGE, rows))
        weights = [site.weight_params for site in backbone.sites]
        self._weight = sum(weights)
        counts = [site.address.stage for site in backbone.sites]
        self._sites = {stage: counts.count(stage) for stage in backbone.stages}

    def add(self, layout: Layout) -> None:
        """Take one warehouse in."""
        costs = layout.costs
        self._params = self._params + costs.params
        self._macs = self._macs + costs.macs
        self._feasible &= layout.feasible & ~layout.large
        held = layout.cells * layout.cell_size
        self._cells += held
        self._note(layout.cells, layout.cell_out, layout.cell_in)
        logs = [np.log(c) for c in (layout.cell_out, layout.cell_in, layout.cells)]
        mixtures = sum(one.times * one.attention.mixtures for one in layout.served)
        for one in layout.served:
            self._note(one.own, one.attention.hidden, one.attention.basis)
            self._mean(one, layout, logs)
            stage = self._stages[self._backbone.stages.index(one.site.address.stage)]
            stage[0] += held * (one.times * one.attention.mixtures) / mixtures
            stage[1] += one.times * logs[2]
            stage[2] += one.times * np.log(one.attention.mixtures)

    def _mean(self, one: Served, layout: Layout, logs: Sequence[Floats]) -> None:
        weight = one.times * one.site.weight_params / self._weight
        self._means[0] += weight * logs[0]
        self._means[1] += weight * logs[1]
        self._means[2] += weight * np.log(one.attention.hidden)
        self._means[3] += weight * one.attention.basis / layout.cells

    def _note(self, *columns: Ints) -> None:
        """Mix integers into the keys."""
        for column in columns:
            self._key = mixed(self._key, column)

    def described(self, warehouses: int, *, spatial_partition: bool) -> Descriptions:
        """The table of what was added up."""
        self._note(np.full(len(self._params), warehouses))
        attention = self._params - self._backbone.plain_params - self._cells
        whole = [
            np.log(self._params),
            attention / self._params,
            np.full(len(self._params), np.log(warehouses)),
            np.full(len(self._params), float(spatial_partition)),
            *self._means,
        ]
        per_stage = []
        for stage, (held, cells, mixtures) in zip(self._backbone.stages, self._stages, strict=True):
            sites = max(self._sites[stage], 1)
            per_stage += [np.log(np.maximum(held, 1)), cells / sites, mixtures / sites]
        features = np.stack([*whole, *per_stage], axis=1).astype(np.float32)
        return Descriptions(self._params, self._macs, self._feasible, self._key, features)
