"""Costs of one warehouse down columns of ratios: `search_spaces.formulas` for many at once.

Every array has shape ``(rows,)``, one row a configuration. Ratios are meant as fractions, so
``floor(ratio * integer)`` is taken in floating point only where rounding cannot reach the next
integer, and in exact arithmetic elsewhere.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from search_spaces import formulas
from search_spaces.formulas import MIN_HIDDEN
from search_spaces.grouping import Group
from search_spaces.sites import Backbone, Site
from search_spaces.warehouse import exact

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


@dataclass(frozen=True, slots=True)
class Served:
    """Sites of one warehouse that cost the same.

    Attributes:
        site: the first of them.
        times: how many there are.
        own: cells of each one's run.
        attention: of each.
    """

    site: Site
    times: int
    own: Ints
    attention: formulas.Attention[Ints]


@dataclass(frozen=True, slots=True)
class Layout:
    """What one warehouse looks like.

    Attributes:
        cell_out: output channels of a cell.
        cell_in: input channels of a cell.
        cell_size: parameters of a cell.
        cells: number of cells.
        served: its sites, those that cost the same together.
        feasible: whether its cells can be cut.
        large: rows whose sums might leave 64 bits; what stands there means nothing.
    """

    cell_out: Ints
    cell_in: Ints
    cell_size: Ints
    cells: Ints
    served: Sequence[Served]
    feasible: Bools
    large: Bools

    @property
    def costs(self) -> Costs:
        """What it costs."""
        params, macs = self.cells * self.cell_size, np.zeros_like(self.cells)
        for one in self.served:
            own_params, own_macs = one.attention.costs()
            params += one.times * own_params
            macs += one.times * (own_macs + formulas.mixing_macs(one.site, self.cells))
        return Costs(params, macs, self.feasible, self.large)


def warehouse_layout(
    backbone: Backbone,
    group: Group,
    ratios: Mapping[str, Floats],
    *,
    spatial_partition: bool,
) -> Layout:
    """Layout of the warehouse that serves a group of sites.

    Args:
        backbone: whose sites they are.
        group: which of them it serves.
        ratios: a column for each of `config.RATIOS`.
        spatial_partition: whether cells are cut along space too.
    """
    sites = [backbone.sites[i] for i in group.sites]
    cut = _cut(group, ratios, spatial_partition=spatial_partition)
    alike = [(same[0], len(same), cut.mixtures(same[0])) for same in _alike(sites)]
    mixtures = np.sum([times * m for _, times, m in alike], axis=0)
    large = _bound(sites, ratios, mixtures) >= LARGEST
    b = np.where(large, 1.0, ratios["cell_num_ratio"])
    reduction = np.where(large, 1.0, ratios["reduction"])
    cells = formulas.cells(floor_times(b, mixtures))
    served = []
    for site, times, m in alike:
        own = floor_times(b, m)
        local, basis = _reached(cells, own, ratios["nonlocal_basis_ratio"])
        attention = formulas.Attention(
            channels=site.in_channels,
            mixtures=m,
            cells=cells,
            hidden=formulas.width(floor_times(reduction, site.in_channels)),
            local=local,
            basis=basis,
            linear_bias=backbone.attention_norm == "layer",
        )
        served.append(Served(site, times, own, attention))
    return Layout(cut.cell_out, cut.cell_in, cut.cell_size, cells, served, cut.feasible, large)


@dataclass(frozen=True, slots=True)
class _Cut:
    """How the kernels of a warehouse are cut into cells; 1 position where none serves all."""

    cell_out: Ints
    cell_in: Ints
    cell_kernel: tuple[int, ...]
    feasible: Bools

    @property
    def cell_size(self) -> Ints:
        """Parameters of one cell."""
        return self.cell_out * self.cell_in * prod(self.cell_kernel)

    def mixtures(self, site: Site) -> Ints:
        """Pieces of a site's kernel."""
        s, out, inner = formulas.cut(site, self.cell_out, self.cell_in, self.cell_kernel)
        return s * out * inner


def _alike(sites: Sequence[Site]) -> list[list[Site]]:
    """Sites of one stage that cost the same, together."""
    alike: dict[tuple[str | int, ...], list[Site]] = defaultdict(list)
    for site in sites:
        alike[(site.address.stage, site.in_channels, *site.weight_shape)].append(site)
    return list(alike.values())


def _cut(group: Group, ratios: Mapping[str, Floats], *, spatial_partition: bool) -> _Cut:
    kernel = group.cell_kernel(spatial_partition=spatial_partition)
    cell_out, out_divides = _channels(group.gcd_out, ratios["cell_outplane_ratio"])
    cell_in, in_divides = _channels(group.gcd_in, ratios["cell_inplane_ratio"])
    feasible = out_divides & in_divides & (kernel is not None)
    return _Cut(cell_out, cell_in, kernel or (1,), feasible)


def _channels(common: int, ratio: Floats) -> tuple[Ints, Bools]:
    """Channels of a cell along one side, and whether they divide those of every site."""
    cell = formulas.cell_channels(floor_times(ratio, common))
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


def _reached(cells: Ints, local: Ints, ratio: Floats) -> tuple[Ints, Ints]:
    """Cells that an attention reaches directly, and the size of its basis for the others."""
    uses_basis = ratio < 1
    if not uses_basis.any():
        return cells, np.zeros_like(cells)
    basis = formulas.width(floor_times(ratio, cells - local))
    return np.where(uses_basis, local, cells), np.where(uses_basis, basis, 0)
