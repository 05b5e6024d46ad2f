"""A served layer as one contraction of three tensors, and the way there and back.

Axes: B batch, G groups, Q = B * G, H output positions, K live kernel positions, I channels in, O
channels out, N cells; a cell is ``[a, c, *cell kernel]``. With J = K * (input blocks) and D = c
where cells are cut along space, else J = (input blocks) and D = K * c, a layer whose cells stay
inside one group is::

    y[Q, H, p, a] = sum over j, n, d of  P[Q, H, j, d] * A[Q, p, j, n] * C[n, a, d]

with P patches of the input, A the attention, C the cells, p output blocks of a group. The ways
differ in which two of the three they contract first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from math import prod

import torch
from torch import Tensor

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.axes import Axis, axes_of

Index = tuple[slice, ...]


@dataclass(frozen=True)
class Lowering:
    """A geometry at one input size."""

    geometry: Geometry
    axes: tuple[Axis, ...]

    @cached_property
    def outs(self) -> tuple[int, ...]:
        """Output positions along each axis."""
        return tuple(axis.out for axis in self.axes)

    @cached_property
    def positions(self) -> int:
        """Output positions, H."""
        return prod(self.outs)

    @cached_property
    def input_positions(self) -> int:
        """Input positions."""
        return prod(axis.size for axis in self.axes)

    @cached_property
    def lives(self) -> tuple[int, ...]:
        """Live kernel positions along each axis."""
        return tuple(axis.live for axis in self.axes)

    @cached_property
    def live(self) -> int:
        """Live kernel positions, K."""
        return prod(self.lives)

    @cached_property
    def whole(self) -> bool:
        """Whether a cell spans the whole kernel."""
        return self.geometry.blocks[0] == 1

    @cached_property
    def taps(self) -> int:
        """Kernel positions that have attention of their own."""
        return 1 if self.whole else self.live

    @cached_property
    def mixed(self) -> int:
        """Blocks of a patch that share a row of attention, J."""
        return self.geometry.blocks[2] * self.taps

    @cached_property
    def points(self) -> int:
        """Kernel positions inside a cell: D = points * c."""
        return self.live if self.whole else 1

    @cached_property
    def depth(self) -> int:
        """Values of a patch that meet one cell, D."""
        return self.geometry.cell_in * self.points

    @cached_property
    def group_blocks(self) -> int:
        """Output blocks of one group, p."""
        return self.geometry.blocks[1] // self.geometry.groups

    @cached_property
    def channels(self) -> tuple[int, int, int]:
        """Groups, input blocks of a group, and channels of a block."""
        return self.geometry.groups, self.geometry.blocks[2], self.geometry.cell_in

    def wide(self, part: slice) -> slice:
        """The samples x groups of a slice of the batch."""
        groups = self.geometry.groups
        return slice(part.start * groups, part.stop * groups)

    def shifts(self) -> Iterator[tuple[tuple[int, ...], Index, Index]]:
        """Each live kernel position, the outputs that read input through it, and those inputs."""
        for at in product(*(range(axis.live) for axis in self.axes)):
            reach = [axis.reach(k) for axis, k in zip(self.axes, at, strict=True)]
            everything = slice(None)
            yield at, (everything, *(r[0] for r in reach)), (everything, *(r[1] for r in reach))

    def channels_last(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """``[B, I, *spatial]`` as ``[B, *spatial, I]``, dense."""
        return x.movedim(1, -1).to(dtype).contiguous()

    def attention(self, alpha: Tensor) -> Tensor:
        """A of ``alpha`` ``[B, M, N]``: ``[Q, p, J, N]``."""
        return (
            self._live_rows(alpha)
            .permute(self._rows)
            .reshape(-1, self.group_blocks, self.mixed, alpha.shape[-1])
        )

    def attention_back(self, rows: Tensor, like: Tensor) -> Tensor:
        """Adjoint of `attention`, in the shape of ``like``."""
        full = rows.new_empty(like.shape)
        live = self._live_rows(full)
        if live.numel() != full.numel():
            full.zero_()
        live.copy_(
            rows.reshape([live.shape[i] for i in self._rows]).permute(
                [self._rows.index(i) for i in range(len(self._rows))]
            )
        )
        return full

    def cells(self, cells: Tensor) -> Tensor:
        """C of ``cells`` ``[N, a, c, *cell kernel]``: ``[N, a, D]``."""
        if not self.whole:
            return cells.flatten(2)
        return cells[self._live_points].movedim(2, -1).flatten(2)

    def cells_back(self, grad: Tensor, like: Tensor) -> Tensor:
        """Adjoint of `cells`, in the shape of ``like``."""
        if not self.whole:
            return grad.reshape(like.shape)
        points = grad.reshape(*grad.shape[:2], *self.lives, like.shape[2]).movedim(-1, 2)
        if points.shape == like.shape:
            return points.contiguous()
        full = grad.new_zeros(like.shape)
        full[self._live_points] = points
        return full

    def output(self, y: Tensor) -> Tensor:
        """Turn ``[Q, H, p, a]`` into ``[B, O, *out]``, channels last on two or three axes."""
        groups = self.geometry.groups
        if groups > 1:
            y = y.reshape(-1, groups, self.positions, self.geometry.out_channels // groups)
            y = y.transpose(1, 2)
        y = y.reshape(-1, *self.outs, self.geometry.out_channels).movedim(-1, 1)
        return y if len(self.outs) > 1 else y.contiguous()

    def output_back(self, grad: Tensor, dtype: torch.dtype) -> Tensor:
        """Adjoint of `output`: ``[Q, H, p, a]``, dense."""
        batch, groups = grad.shape[0], self.geometry.groups
        last = grad.movedim(1, -1).to(dtype)
        last = last.reshape(batch, self.positions, groups, -1).transpose(1, 2)
        shape = (batch * groups, self.positions, self.group_blocks, self.geometry.cell_out)
        return last.reshape(shape).contiguous()

    @cached_property
    def _rows(self) -> tuple[int, ...]:
        """From (batch, live, group, output block, input block, cell) to A's order."""
        dims = 0 if self.whole else len(self.axes)
        return (0, dims + 1, dims + 2, *range(1, dims + 1), dims + 3, dims + 4)

    @cached_property
    def _live_points(self) -> tuple[slice, ...]:
        spans = (slice(axis.first, axis.first + axis.live) for axis in self.axes)
        return (slice(None), slice(None), slice(None), *spans)

    def _live_rows(self, alpha: Tensor) -> Tensor:
        """View ``[B, M, N]`` as ``[B, *live, G, p, q, N]``."""
        g = self.geometry
        kernel = () if self.whole else g.kernel
        rows = alpha.view(
            alpha.shape[0], *kernel, g.groups, self.group_blocks, g.blocks[2], alpha.shape[-1]
        )
        if self.whole:
            return rows
        spans = (slice(axis.first, axis.first + axis.live) for axis in self.axes)
        return rows[(slice(None), *spans)]


def lowers(geometry: Geometry) -> bool:
    """Whether every cell stays inside one group, and is cut along all of space or not at all."""
    whole, cut = geometry.blocks[0] == 1, geometry.blocks[0] == prod(geometry.kernel)
    return geometry.blocks[1] % geometry.groups == 0 and (whole or cut)


@lru_cache(maxsize=1024)
def lower(geometry: Geometry, size: tuple[int, ...]) -> Lowering:
    """The layer at an input of ``size``."""
    return Lowering(geometry, tuple(axes_of(geometry, size)))
