"""Attention between outputs and inputs: kernel positions as a matrix over space.

Axes as in `search_spaces.networks.ways.lowering`. Where cells are cut along space, an output
position reads an input position through one kernel position or none, so that mixing is a product
with a matrix over both, filled with rows of attention. At few positions that matrix is nearly full,
and products with it are much larger than products with one patch after the other. At many positions
it is cut into *bands*: some output rows, and the input rows that they read. A GPU computes them all
at once, see `search_spaces.networks.ways.mixing`.

Where there is one kernel position (pointwise layers, or cells that span the kernel) every output
position stands alone, and the positions join the batch instead.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.networks.ways.axes import Axis
from search_spaces.networks.ways.lowering import Lowering

FULL = 256
"""Pairs of output and input positions up to which there is one band."""


@dataclass(frozen=True)
class Band:
    """Output positions and the input positions that they read.

    Attributes:
        axes: the spatial axes.
        rows: output positions of the first axis; all of the others belong to the band.
    """

    axes: tuple[Axis, ...]
    rows: range

    @cached_property
    def outputs(self) -> slice:
        """The band's part of the H output positions."""
        rest = prod(axis.out for axis in self.axes[1:])
        return slice(self.rows.start * rest, self.rows.stop * rest)

    @cached_property
    def inputs(self) -> slice:
        """The part of the input positions that it reads."""
        rest = prod(axis.size for axis in self.axes[1:])
        return slice(self._reads.start * rest, self._reads.stop * rest)

    @cached_property
    def _reads(self) -> slice:
        """Input positions of the first axis, at least one."""
        axis = self.axes[0]
        first = axis.start + self.rows[0] * axis.stride
        last = axis.start + self.rows[-1] * axis.stride + (axis.live - 1) * axis.dilation
        low = min(max(first, 0), axis.size - 1)
        return slice(low, max(low + 1, min(last + 1, axis.size)))

    @property
    def pairs(self) -> int:
        """Pairs of output and input positions."""
        outputs: int = self.outputs.stop - self.outputs.start
        inputs: int = self.inputs.stop - self.inputs.start
        return outputs * inputs

    @cached_property
    def taps(self) -> Tensor:
        """``[outputs * inputs]``: the live kernel position that joins the two, K if none does."""
        live = prod(axis.live for axis in self.axes)
        taps = _table(self.axes[0])[self.rows.start : self.rows.stop, self._reads]
        for axis in self.axes[1:]:
            table = _table(axis)
            both = taps[:, None, :, None] * axis.live + table[None, :, None, :]
            none = (taps[:, None, :, None] < 0) | (table[None, :, None, :] < 0)
            taps = both.masked_fill(none, -1).flatten(2).flatten(0, 1)
        return taps.masked_fill(taps < 0, live).flatten()

    @cached_property
    def shares(self) -> Tensor:
        """``[K, outputs * inputs]``: 1 where that kernel position joins the two, else 0."""
        live = prod(axis.live for axis in self.axes)
        return F.one_hot(self.taps, live + 1)[:, :live].mT.contiguous()

    def matrix(self, rows: Tensor) -> Tensor:
        """Attention ``[R, p, K, q, N]`` as ``[R, p, outputs, inputs, q, N]``."""
        outputs: int = self.outputs.stop - self.outputs.start
        sizes = (*rows.shape[:2], outputs, -1, *rows.shape[3:])
        if self.pairs == rows.shape[2] == 1:
            return rows.view(sizes)
        padded = F.pad(rows, (0, 0, 0, 0, 0, 1))
        return padded.index_select(2, _taps_on(self, rows.device)).view(sizes)

    def matrix_back(self, grad: Tensor) -> Tensor:
        """Adjoint of `matrix`."""
        r, p, h, s, q, n = grad.shape
        if self.pairs == len(self.shares) == 1:
            return grad.reshape(r, p, 1, q, n)
        flat = grad.reshape(r * p, h * s, q * n)
        return torch.matmul(self.shares.to(flat), flat).view(r, p, -1, q, n)


@lru_cache(maxsize=1024)
def _taps_on(band: Band, device: torch.device) -> Tensor:
    """The taps of a band, brought to a device once."""
    return band.taps.to(device)


def _table(axis: Axis) -> Tensor:
    """``[out, size]``: the live kernel position that joins the two, -1 if none does."""
    output, source = torch.arange(axis.out)[:, None], torch.arange(axis.size)
    distance = source - axis.start - output * axis.stride
    tap = distance.div(axis.dilation, rounding_mode="floor")
    joined = (tap * axis.dilation == distance) & (tap >= 0) & (tap < axis.live)
    return tap.masked_fill(~joined, -1)


@lru_cache(maxsize=1024)
def bands(low: Lowering) -> tuple[Band, ...]:
    """The bands of a layer whose cells are cut along space."""
    rows = low.axes[0].out
    step = rows if low.positions * low.input_positions <= FULL else 1
    return tuple(Band(low.axes, range(at, min(at + step, rows))) for at in range(0, rows, step))
