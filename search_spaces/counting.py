"""Counts many configurations at once, with the same integers as `count` one by one.

Settings are columns, one row a configuration, and numpy works down the rows. The rows whose counts
could leave 64 bits are counted one by one with Python's integers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.budget import count
from search_spaces.columns import Bools, Floats, warehouse_layout
from search_spaces.config import RATIOS, Granularity, NetworkConfig
from search_spaces.errors import InfeasibleError, InputError, nearest, plural
from search_spaces.grouping import groups_of
from search_spaces.sites import Backbone

SHARES = ("cell_inplane_ratio", "cell_outplane_ratio", "nonlocal_basis_ratio")
"""Ratios that never exceed 1."""

MOST = np.finfo(np.float64).max
INFEASIBLE = -1
"""What stands for the count of a network that cannot be built."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Costs of many configurations, row by row.

    Attributes:
        params: parameters in total; `INFEASIBLE` where the network cannot be built. int64, or
            Python's integers (dtype object) where one of them does not fit.
        macs: MACs in total for one image, likewise.
        feasible: whether the network can be built.
    """

    params: NDArray[Any]
    macs: NDArray[Any]
    feasible: Bools


def count_many(
    backbone: Backbone,
    columns: Mapping[str, ArrayLike],
    *,
    granularity: Granularity = "network",
    sharing_range: tuple[str, ...] | None = None,
    spatial_partition: bool = True,
) -> Counts:
    """Count configurations that differ in their ratios.

    Args:
        backbone: the table to count on.
        columns: ratios by name, each of shape ``(rows,)``, or ``(rows, parts)`` with one value per
            stage or warehouse. A ratio left out keeps `NetworkConfig`'s default.
        granularity: what the parts are, ``"stage"`` or ``"warehouse"``.
        sharing_range: as in `NetworkConfig`, whose default stands for None.
        spatial_partition: as in `NetworkConfig`.

    Raises:
        InputError: a column is unknown, has another number of rows, or holds a value that its
            setting cannot take.
        InfeasibleError: a column has another number of parts than the backbone.
    """
    base = NetworkConfig(backbone=backbone.name, spatial_partition=spatial_partition)
    if sharing_range is not None:
        base = NetworkConfig(**{**base.model_dump(), "sharing_range": sharing_range})
    groups = groups_of(backbone, base.sharing_range)
    parts = {"network": 0, "stage": len(backbone.stages), "warehouse": len(groups)}[granularity]
    read = read_columns(columns, base, parts, granularity)

    rows = len(read["reduction"])
    params = np.full(rows, backbone.plain_params)
    macs = np.full(rows, backbone.macs)
    feasible, large = np.ones(rows, dtype=bool), np.zeros(rows, dtype=bool)
    for index, group in enumerate(groups):
        part = group.stage if granularity == "stage" else index
        ratios = {name: c if c.ndim == 1 else c[:, part] for name, c in read.items()}
        layout = warehouse_layout(backbone, group, ratios, spatial_partition=spatial_partition)
        costs = layout.costs
        params, macs = params + costs.params, macs + costs.macs
        feasible &= costs.feasible
        large |= costs.large
    params[~feasible] = macs[~feasible] = INFEASIBLE
    by_hand = {
        row: count(_config(read, row, base, granularity), backbone)
        for row in np.flatnonzero(large & feasible).tolist()
    }
    return Counts(
        _corrected(params, {row: size.params for row, size in by_hand.items()}),
        _corrected(macs, {row: size.macs for row, size in by_hand.items()}),
        feasible,
    )


def count_configs(configs: Sequence[NetworkConfig], backbone: Backbone) -> Counts:
    """Count configurations of one backbone, whatever they differ in.

    Args:
        configs: what to count.
        backbone: the table that all of them are counted on.

    Returns:
        One row per configuration, in their order.
    """
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row, config in enumerate(configs):
        ratios = [getattr(config, name) for name in RATIOS]
        widths = tuple(len(value) if isinstance(value, tuple) else 0 for value in ratios)
        key = (config.granularity, config.sharing_range, config.spatial_partition, widths)
        alike[key].append(row)
    params, macs = np.full((2, len(configs)), INFEASIBLE).astype(object)
    feasible = np.zeros(len(configs), dtype=bool)
    for (granularity, sharing_range, spatial_partition, _), rows in alike.items():
        try:
            counts = count_many(
                backbone,
                {name: [getattr(configs[row], name) for row in rows] for name in RATIOS},
                granularity=granularity,
                sharing_range=sharing_range,
                spatial_partition=spatial_partition,
            )
        except InfeasibleError:
            continue
        params[rows], macs[rows], feasible[rows] = counts.params, counts.macs, counts.feasible
    return Counts(_narrowed(params), _narrowed(macs), feasible)


def read_columns(
    columns: Mapping[str, ArrayLike], base: NetworkConfig, parts: int, granularity: Granularity
) -> dict[str, Floats]:
    """Every ratio as a column of shape ``(rows,)`` or ``(rows, parts)``, checked."""
    for name in columns:
        if name not in RATIOS:
            raise InputError(
                f"{name!r} is not a ratio; the ratios are {', '.join(RATIOS)}."
                f"{nearest(name, RATIOS)}",
                "Give one column per ratio that differs.",
            )
    read = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    lengths = {len(column) if column.ndim in (1, 2) else -1 for column in read.values()}
    if len(lengths) > 1 or -1 in lengths:
        raise InputError(
            f"Columns have shapes {', '.join(str(c.shape) for c in read.values())}.",
            "Give all columns the same number of rows: (rows,) or (rows, parts).",
        )
    rows = lengths.pop() if lengths else 1
    for name, column in read.items():
        most = 1.0 if name in SHARES else MOST
        if not np.all((column > 0) & (column <= most)):
            raise InputError(
                f"{name} holds values that are not above 0 and at most {most:g}.",
                "Leave these rows out.",
            )
        if column.ndim > 1 and column.shape[1] != parts:
            raise InfeasibleError(
                f"{name} has {plural(column.shape[1], 'value')} a row, but {base.backbone} has "
                f"{plural(parts, 'part')} at granularity {granularity!r}.",
                f"Give {plural(parts, 'value')}, or one for the whole network.",
            )
    return {name: read.get(name, np.full(rows, getattr(base, name))) for name in RATIOS}


def _config(
    read: Mapping[str, Floats], row: int, base: NetworkConfig, granularity: Granularity
) -> NetworkConfig:
    values = {name: column[row].tolist() for name, column in read.items()}
    ratios = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return NetworkConfig(**{**base.model_dump(), "granularity": granularity, **ratios})


def _corrected(counts: NDArray[Any], exact: Mapping[int, int]) -> NDArray[Any]:
    """The column with some rows replaced by exact integers of any size."""
    if not exact:
        return counts
    whole = counts.astype(object)
    whole[list(exact)] = list(exact.values())
    return _narrowed(whole)


def _narrowed(counts: NDArray[Any]) -> NDArray[Any]:
    """Python's integers as int64 where all of them fit."""
    try:
        return counts.astype(np.int64)
    except OverflowError:
        return counts
