"""Costs of one warehouse down columns of ratios: the arithmetic of `warehouse` for many at once.

Every array has shape ``(rows,)``, one row a configuration. Ratios are meant as fractions, so
``floor(ratio * integer)`` is taken in floating point only where rounding cannot reach the next
integer, and in exact arithmetic elsewhere.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd, prod

import numpy as np
from numpy.typing import NDArray

from search_spaces.sites import Site
from search_spaces.warehouse import MIN_HIDDEN, exact

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LARGEST = 2.0**52
"""Bound on the costs of one warehouse above which a row is not counted in 64 bits."""

ROUNDING = 2.0**-50
"""Distance of a product to the nearest integer, relative, below which its floor is not trusted.

A ratio lies within 2^-53 of the fraction that it means, and the product rounds by as much again.
"""


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of one warehouse.

    Attributes:
        params: parameters of the cells and of the attentions of its sites.
        macs: MACs of the attentions and of mixing.
        feasible: whether its cells can be cut.
        large: rows whose sums might leave 64 bits; their costs mean nothing.
    """

    params: Ints
    macs: Ints
    feasible: Bools
    large: Bools


def floor_times(ratio: Floats, whole: Ints | int) -> Ints:
    """``floor(ratio * whole)``, with every ratio read as the fraction that it means.

    Products must stay below 2^53, where floats hold every integer.
    """
    whole = np.broadcast_to(np.asarray(whole, dtype=np.int64), ratio.shape)
    product = ratio * whole
    result: Ints = np.floor(product).astype(np.int64)
    rows = np.flatnonzero(np.abs(product - np.rint(product)) <= product * ROUNDING)
    if rows.size:
        values, which = np.unique(ratio[rows], return_inverse=True)
        fractions = [exact(float(value)) for value in values]
        up, down = [f.numerator for f in fractions], [f.denominator for f in fractions]
        fits = max(*down, max(up) * int(whole[rows].max())) < 2**63
        kind = "int64" if fits else "object"
        ups, downs = np.array([up, down], dtype=kind)[:, which]
        result[rows] = ups * whole[rows] // downs
    return result


def warehouse_costs(
    sites: Sequence[Site],
    ratios: Mapping[str, Floats],
    *,
    spatial_partition: bool,
    linear_bias: bool,
) -> Costs:
    """Costs of the warehouse that serves ``sites``.

    Args:
        sites: what it serves.
        ratios: a column for each of `config.RATIOS`.
        spatial_partition: whether cells are cut along space too.
        linear_bias: whether the first linear of an attention has a bias.
    """
    cut = _cut(sites, ratios, spatial_partition=spatial_partition)
    served = [(same[0], len(same), cut.mixtures(same[0])) for same in _alike(sites)]
    mixtures = np.sum([times * m for _, times, m in served], axis=0)
    large = _bound(sites, ratios, mixtures) >= LARGEST
    b = np.where(large, 1.0, ratios["cell_num_ratio"])
    reduction = np.where(large, 1.0, ratios["reduction"])
    cells = np.maximum(floor_times(b, mixtures), 1)
    params = cells * cut.cell_size
    macs = cells * sum(site.weight_params for site in sites)
    for site, times, m in served:
        hidden = np.maximum(floor_times(reduction, site.in_channels), MIN_HIDDEN)
        first = site.in_channels * hidden
        second, last = _second(m, cells, floor_times(b, m), hidden, ratios["nonlocal_basis_ratio"])
        biases = (cells + 1) * m + hidden * (2 + linear_bias)
        params += times * (first + second + last + biases)
        macs += times * (first + second + last * m)
    return Costs(params, macs, cut.feasible, large)


@dataclass(frozen=True, slots=True)
class _Cut:
    """How the kernels of a warehouse are cut into cells."""

    cell_out: Ints
    cell_in: Ints
    cell_positions: int
    feasible: Bools

    @property
    def cell_size(self) -> Ints:
        """Parameters of one cell."""
        return self.cell_out * self.cell_in * self.cell_positions

    def mixtures(self, site: Site) -> Ints:
        """Pieces of a site's kernel."""
        positions = max(prod(site.kernel) // self.cell_positions, 1)
        blocks = (site.out_channels // self.cell_out) * (site.group_in_channels // self.cell_in)
        return positions * blocks


def _alike(sites: Sequence[Site]) -> list[list[Site]]:
    """Sites that cost the same, together."""
    alike: dict[tuple[int, ...], list[Site]] = defaultdict(list)
    for site in sites:
        alike[(site.in_channels, *site.weight_shape)].append(site)
    return list(alike.values())


def _cut(sites: Sequence[Site], ratios: Mapping[str, Floats], *, spatial_partition: bool) -> _Cut:
    kernels = {site.kernel for site in sites}
    positions = 1 if spatial_partition else prod(sites[0].kernel)
    one_kernel = spatial_partition or len(kernels) == 1
    cell_out, out_divides = _channels(
        gcd(*(s.out_channels for s in sites)), ratios["cell_outplane_ratio"]
    )
    cell_in, in_divides = _channels(
        gcd(*(s.group_in_channels for s in sites)), ratios["cell_inplane_ratio"]
    )
    return _Cut(cell_out, cell_in, positions, out_divides & in_divides & one_kernel)


def _channels(common: int, ratio: Floats) -> tuple[Ints, Bools]:
    """Channels of a cell along one side, and whether they divide those of every site."""
    cell = np.maximum(floor_times(ratio, common), 1)
    divides = common % cell == 0
    return np.where(divides, cell, common), divides


def _bound(sites: Sequence[Site], ratios: Mapping[str, Floats], mixtures: Ints) -> Floats:
    """A number that no sum of a warehouse's costs exceeds, in floating point."""
    with np.errstate(over="ignore"):
        cells = ratios["cell_num_ratio"] * mixtures + MIN_HIDDEN + 1
        hidden = ratios["reduction"] * max(s.in_channels for s in sites) + MIN_HIDDEN + 3
        logits = hidden * (mixtures + 1) * cells
        basis = np.where(ratios["nonlocal_basis_ratio"] < 1, 3 * cells * logits, 0.0)
        inputs = hidden * sum(s.in_channels for s in sites)
        bound: Floats = logits + basis + cells * sum(s.weight_params for s in sites) + inputs
        return bound


def _second(
    mixtures: Ints, cells: Ints, local: Ints, hidden: Ints, ratio: Floats
) -> tuple[Ints, Ints]:
    """Weights of the linears behind the hidden layer: the second, and the one past the basis.

    The first of the two is used once per site, the other once per mixture.
    """
    uses_basis = ratio < 1
    direct = hidden * (cells + 1) * mixtures
    if not uses_basis.any():
        return direct, np.zeros_like(direct)
    others = cells - local
    basis = np.maximum(floor_times(ratio, others), MIN_HIDDEN)
    second = np.where(uses_basis, hidden * (local + basis + 1) * mixtures, direct)
    return second, np.where(uses_basis, basis * others, 0)
