"""A served layer as one contraction of three tensors, and the way there and back.

Axes: B batch, G groups, H output positions, K live kernel positions, I channels in, O channels out,
N cells; a cell is ``[a, c, *cell kernel]``. With J = K * (input blocks) and D = c where cells are
cut along space, else J = (input blocks) and D = K * c, a layer whose cells stay inside one group
is::

    y[B*G, H, p, a] = sum over j, n, d of  P[B*G, H, j, d] * A[B*G, p, j, n] * C[n, a, d]

with P patches of the input, A the attention, C the cells, p output blocks of a group. The ways
differ in which two of the three they contract first.

A kernel position that meets nothing but padding is not *live*: it changes no output and gets no
gradient, so it is left out. At one output position, a 3x3 kernel with padding 1 has one live
position of nine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from math import prod

import torch
from torch import Tensor

from search_spaces.networks.geometry import Geometry

Index = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis.

    Attributes:
        size: input positions.
        out: output positions.
        first: first live kernel position.
        live: number of live kernel positions.
        start: input position that output 0 reads through the first live one; may be negative.
        stride: input positions between outputs.
        dilation: input positions between kernel positions.
    """

    size: int
    out: int
    first: int
    live: int
    start: int
    stride: int
    dilation: int

    @property
    def extent(self) -> int:
        """Input positions from the first to the last that is read, padding included."""
        return (self.out - 1) * self.stride + (self.live - 1) * self.dilation + 1

    @property
    def inside(self) -> slice:
        """The part of the input that is read."""
        low = min(max(self.start, 0), self.size)
        return slice(low, max(low, min(self.start + self.extent, self.size)))

    @property
    def padded(self) -> bool:
        """Whether anything but input is read."""
        return self.start < 0 or self.start + self.extent > self.size

    def reach(self, k: int) -> tuple[slice, slice]:
        """Outputs that read input through live position ``k``, and the inputs they read."""
        origin = self.start + k * self.dilation
        low = max(0, -(origin // self.stride))
        high = max(low, min(self.out, (self.size - 1 - origin) // self.stride + 1))
        at = origin + low * self.stride
        last = at + (high - low - 1) * self.stride + 1
        return slice(low, high), slice(max(at, 0), max(last, 0), self.stride)


@dataclass(frozen=True)
class Lowering:
    """A geometry at one input size."""

    geometry: Geometry
    axes: tuple[Axis, ...]

    @cached_property
    def positions(self) -> int:
        """Output positions, H."""
        return prod(axis.out for axis in self.axes)

    @cached_property
    def live(self) -> int:
        """Live kernel positions, K."""
        return prod(axis.live for axis in self.axes)

    @cached_property
    def whole(self) -> bool:
        """Whether a cell spans the whole kernel."""
        return self.geometry.blocks[0] == 1

    @cached_property
    def mixed(self) -> int:
        """Blocks of a patch that share a row of attention, J."""
        return self.geometry.blocks[2] * (1 if self.whole else self.live)

    @cached_property
    def depth(self) -> int:
        """Values of a patch that meet one cell, D."""
        return self.geometry.cell_in * (self.live if self.whole else 1)

    @cached_property
    def group_blocks(self) -> int:
        """Output blocks of one group, p."""
        return self.geometry.blocks[1] // self.geometry.groups

    def shifts(self) -> Iterator[tuple[tuple[int, ...], Index, Index]]:
        """Each live kernel position, the outputs that read input through it, and those inputs."""
        for at in product(*(range(axis.live) for axis in self.axes)):
            reach = [axis.reach(k) for axis, k in zip(self.axes, at, strict=True)]
            everything = slice(None)
            yield at, (everything, *(r[0] for r in reach)), (everything, *(r[1] for r in reach))

    def window(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """What is read of ``x``, with its zeros: ``[B, *extents, I]``, channels dense."""
        last = x.movedim(1, -1)
        inside = (slice(None), *(axis.inside for axis in self.axes))
        if not any(axis.padded for axis in self.axes):
            view = last[inside].to(dtype)
            return view if view.stride(-1) == 1 else view.contiguous()
        shape = (x.shape[0], *(axis.extent for axis in self.axes), x.shape[1])
        padded = x.new_zeros(shape, dtype=dtype)
        into = tuple(
            slice(axis.inside.start - axis.start, axis.inside.stop - axis.start)
            for axis in self.axes
        )
        padded[(slice(None), *into)] = last[inside]
        return padded

    def patches(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """P of ``x`` ``[B, I, *spatial]``: ``[B*G, H, J, D]``, a view where that is possible."""
        window = self.window(x, dtype)
        dims = len(self.axes)
        steps = window.stride()[1 : dims + 1]
        size = (x.shape[0], *(axis.out for axis in self.axes), *(axis.live for axis in self.axes))
        stride = (
            window.stride(0),
            *(axis.stride * step for axis, step in zip(self.axes, steps, strict=True)),
            *(axis.dilation * step for axis, step in zip(self.axes, steps, strict=True)),
        )
        groups, blocks, depth = self._channels
        view = window.as_strided(
            (*size, groups, blocks, depth),
            (*stride, blocks * depth, depth, 1),
            window.storage_offset(),
        )
        return view.permute(self._order).reshape(
            x.shape[0] * groups, self.positions, self.mixed, self.depth
        )

    def fold(self, patches: Tensor, like: Tensor) -> Tensor:
        """Adjoint of `patches`: the gradient of ``like`` ``[B, I, *spatial]``, channels last."""
        dims = len(self.axes)
        batch, groups = like.shape[0], self._channels[0]
        outs = tuple(axis.out for axis in self.axes)
        live = tuple(axis.live for axis in self.axes)
        _, blocks, depth = self._channels
        kernel = (blocks, *live) if self.whole else (*live, blocks)
        parts = patches.reshape(batch, groups, *outs, *kernel, depth)
        back = [self._order.index(i) for i in range(len(self._order))]
        parts = parts.permute(back)
        folded = patches.new_zeros((batch, *like.shape[2:], groups, blocks, depth))
        for at, outputs, inputs in self.shifts():
            folded[inputs] += parts[outputs + at]
        return folded.flatten(dims + 1).movedim(-1, 1)

    def attention(self, alpha: Tensor) -> Tensor:
        """A of ``alpha`` ``[B, M, N]``: ``[B*G, p, J, N]``."""
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
        live = tuple(axis.live for axis in self.axes)
        points = grad.reshape(*grad.shape[:2], *live, like.shape[2]).movedim(-1, 2)
        if points.shape == like.shape:
            return points.contiguous()
        full = grad.new_zeros(like.shape)
        full[self._live_points] = points
        return full

    def output(self, y: Tensor) -> Tensor:
        """Turn ``[B*G, H, p, a]`` into ``[B, O, *out]``, channels last on two or three axes."""
        groups = self.geometry.groups
        outs = tuple(axis.out for axis in self.axes)
        if groups > 1:
            y = y.reshape(-1, groups, self.positions, self.geometry.out_channels // groups)
            y = y.transpose(1, 2)
        y = y.reshape(-1, *outs, self.geometry.out_channels).movedim(-1, 1)
        return y if len(outs) > 1 else y.contiguous()

    def output_back(self, grad: Tensor, dtype: torch.dtype) -> Tensor:
        """Adjoint of `output`: ``[B*G, H, p, a]``, dense."""
        batch, groups = grad.shape[0], self.geometry.groups
        last = grad.movedim(1, -1).to(dtype)
        last = last.reshape(batch, self.positions, groups, -1).transpose(1, 2)
        shape = (batch * groups, self.positions, self.group_blocks, self.geometry.cell_out)
        return last.reshape(shape).contiguous()

    @cached_property
    def _channels(self) -> tuple[int, int, int]:
        return self.geometry.groups, self.geometry.blocks[2], self.geometry.cell_in

    @cached_property
    def _order(self) -> tuple[int, ...]:
        """From (batch, outs, live, group, block, channel) to P's order."""
        dims = len(self.axes)
        outs, live = tuple(range(1, dims + 1)), tuple(range(dims + 1, 2 * dims + 1))
        group, block, channel = range(2 * dims + 1, 2 * dims + 4)
        kernel = (block, *live) if self.whole else (*live, block)
        return (0, group, *outs, *kernel, channel)

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
    return Lowering(geometry, tuple(_axes(geometry, size)))


def _axes(geometry: Geometry, size: tuple[int, ...]) -> Iterator[Axis]:
    outs = geometry.out_size(size)
    for i, (edge, out) in enumerate(zip(size, outs, strict=True)):
        stride, dilation = geometry.stride[i], geometry.dilation[i]
        before = geometry.padding[i][0]
        live = [
            k
            for k in range(geometry.kernel[i])
            if any(0 <= o * stride + k * dilation - before < edge for o in range(out))
        ] or [0]
        yield Axis(
            size=edge,
            out=out,
            first=live[0],
            live=live[-1] - live[0] + 1,
            start=live[0] * dilation - before,
            stride=stride,
            dilation=dilation,
        )
