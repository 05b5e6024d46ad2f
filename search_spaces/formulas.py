"""The formulas of KernelWarehouse's costs, for one configuration and for columns of them alike.

Every function takes Python's integers, which are exact at any size, or int64 arrays of one shape,
one row a configuration, and gives back the same kind. The floor of a ratio times an integer is
taken before: on fractions by `search_spaces.warehouse`, down a column by `search_spaces.columns`.
Source: Li and Yao, arXiv 2308.08361, section 3, and the constants of their code.
"""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Generic, TypeVar

from search_spaces.sites import Site

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

N = TypeVar("N", int, "NDArray[np.int64]")
"""Integers: one, or a column of them."""

MIN_HIDDEN = 16
"""Narrowest hidden layer of an attention, and smallest basis (upstream's constant)."""


def at_least(value: N, least: int) -> N:
    """The larger of the two; `max` and ``numpy.maximum`` each serve one kind alone."""
    below = value < least
    larger: N = value * (1 - below) + least * below
    return larger


def cell_channels(share: N) -> N:
    """Channels of a cell along one side, given ``floor(ratio * gcd of the sites' channels)``."""
    return at_least(share, 1)


def cut(site: Site, cell_out: N, cell_in: N, cell_kernel: tuple[int, ...]) -> tuple[int, N, N]:
    """Pieces of a site's kernel: along its positions, its output and its input channels."""
    positions = prod(site.kernel) // prod(cell_kernel)
    return positions, site.out_channels // cell_out, site.group_in_channels // cell_in


def cells(share: N) -> N:
    """Cells of a warehouse, given ``floor(b * mixtures of all its sites)``."""
    return at_least(share, 1)


def width(share: N) -> N:
    """Width of a hidden layer or size of a basis, given the floor of its ratio times a whole."""
    return at_least(share, MIN_HIDDEN)


def mixing_macs(site: Site, cells: N) -> N:
    """MACs of assembling the kernel of one image from all cells of the warehouse."""
    return cells * site.weight_params


def attention_costs(
    channels: int, mixtures: N, cells: N, hidden: N, *, local: N, basis: N, linear_bias: bool
) -> tuple[N, N]:
    """Parameters and MACs of the attention that `Attention` describes."""
    first: N = channels * hidden
    second: N = hidden * (local + basis + 1) * mixtures
    last: N = basis * (cells - local)
    biases: N = (cells + 1) * mixtures + hidden * (2 + linear_bias)
    params: N = first + second + last + biases
    macs: N = first + second + last * mixtures
    return params, macs


@dataclass(frozen=True, slots=True)
class Attention(Generic[N]):
    """The sizes of a site's attention, from which its costs follow.

    An attention that reaches every cell directly is one whose ``local`` is all cells, with a basis
    of size 0.

    Attributes:
        channels: input channels of the site.
        mixtures: pieces of the site's kernel, m.
        cells: cells of the warehouse, n; a zero cell is attended to beside them.
        hidden: width of the hidden layer, h.
        local: cells that it reaches directly.
        basis: size of the basis through which it reaches the others, k.
        linear_bias: whether the first linear has a bias.
    """

    channels: int
    mixtures: N
    cells: N
    hidden: N
    local: N
    basis: N
    linear_bias: bool

    def costs(self) -> tuple[N, N]:
        """Parameters and MACs.

        Parameters are those of the linears, their biases (one a logit) and the norm of the hidden
        layer; MACs those of the linears for one image, where the basis is used once a mixture.
        """
        return attention_costs(
            self.channels,
            self.mixtures,
            self.cells,
            self.hidden,
            local=self.local,
            basis=self.basis,
            linear_bias=self.linear_bias,
        )

    @property
    def params(self) -> N:
        """See `costs`."""
        return self.costs()[0]

    @property
    def macs(self) -> N:
        """See `costs`."""
        return self.costs()[1]
