"""Patches of an input, for some of its channels at a time, and the way back.

Axes as in `search_spaces.networks.ways.lowering`. A *span* is a slice of a block's c channels; the
patches of a span are P ``[Q, H, J, d]`` with d = (points of a cell) * (channels of the span).
"""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from search_spaces.networks.ways.lowering import Lowering
from search_spaces.networks.ways.scratch import scratch

ALL = slice(None)
"""The span of all channels."""


@dataclass(frozen=True)
class Patches:
    """How a layer reads its input."""

    low: Lowering

    def window(self, x: Tensor) -> Tensor:
        """What is read of ``x`` ``[B, *spatial, I]``, with its zeros: ``[B, *extents, I]``."""
        axes = self.low.axes
        inside = (ALL, *(axis.inside for axis in axes))
        if not any(axis.padded for axis in axes):
            return x[inside]
        shape = (x.shape[0], *(axis.extent for axis in axes), x.shape[-1])
        padded = scratch("window", shape, x).zero_()
        into = (
            slice(axis.inside.start - axis.start, axis.inside.stop - axis.start) for axis in axes
        )
        padded[(ALL, *into)] = x[inside]
        return padded

    def read(self, window: Tensor, span: slice = ALL) -> Tensor:
        """P of a window, in scratch memory or a view of the window."""
        axes, dims = self.low.axes, len(self.low.axes)
        steps = window.stride()[1 : dims + 1]
        groups, blocks, depth = self.low.channels
        size = (window.shape[0], *self.low.outs, *self.low.lives, groups, blocks, depth)
        stride = (
            window.stride(0),
            *(axis.stride * step for axis, step in zip(axes, steps, strict=True)),
            *(axis.dilation * step for axis, step in zip(axes, steps, strict=True)),
            blocks * depth,
            depth,
            1,
        )
        every = window.as_strided(size, stride, window.storage_offset())
        view = every[..., span].permute(self._order)
        shape = (len(window) * groups, self.low.positions, self.low.mixed, -1)
        if self.low.live == 1 and groups == 1:
            return view.reshape(shape)
        return scratch("patches", tuple(view.shape), window).copy_(view).view(shape)

    def fold(self, patches: Tensor, into: Tensor, span: slice = ALL) -> None:
        """Adjoint of `read` and `window`: add to ``into`` ``[B, *spatial, I]``."""
        groups, blocks, depth = self.low.channels
        kernel = (blocks, *self.low.lives) if self.low.whole else (*self.low.lives, blocks)
        parts = patches.view(len(into), groups, *self.low.outs, *kernel, -1).permute(self._back)
        total = into.view(*into.shape[:-1], groups, blocks, depth)[..., span]
        for at, outputs, inputs in self.low.shifts():
            total[inputs] += parts[outputs + at]

    @cached_property
    def _order(self) -> tuple[int, ...]:
        """From (batch, outs, live, group, block, channel) to P's order."""
        dims = len(self.low.axes)
        outs, live = tuple(range(1, dims + 1)), tuple(range(dims + 1, 2 * dims + 1))
        group, block, channel = range(2 * dims + 1, 2 * dims + 4)
        kernel = (block, *live) if self.low.whole else (*live, block)
        return (0, group, *outs, *kernel, channel)

    @cached_property
    def _back(self) -> tuple[int, ...]:
        return tuple(self._order.index(i) for i in range(len(self._order)))
