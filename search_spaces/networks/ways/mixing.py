"""What the two ways that mix share: tiles of the batch, and attention over space in each of them.

Axes as in `search_spaces.networks.ways.lowering`; R independent samples, S input positions of each
that meet all of its output positions. Cells that are cut along space leave R = Q and all positions
to a sample. Where cells span the kernel, or there is one kernel position, R = Q * H: every output
position stands alone, with its patch as the one input position. On a GPU, where bands one after the
other would be many small products, R = Q * rows: the output rows of the first axis join the batch,
each with copies of the input rows that it reads (*stacked*).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from search_spaces.networks.ways.axes import Axis
from search_spaces.networks.ways.bands import Band, bands
from search_spaces.networks.ways.contraction import Operands, parts
from search_spaces.networks.ways.lowering import Lowering
from search_spaces.networks.ways.patches import Patches

ALONE = (Band((Axis(size=1, out=1, first=0, live=1, start=0, stride=1, dilation=1),), range(1)),)
"""One output position that reads one input position."""


def stacks(device: torch.device) -> bool:
    """Whether output rows join the batch on this device."""
    return device.type != "cpu"


class Tile(NamedTuple):
    """Some samples of a batch.

    Attributes:
        part: which samples.
        wide: which samples x groups.
        whole: whether they are all there are.
        inputs: their input ``[R, S, q, D]``, or all of it, ``[Q, S, q, D]``, before `Mixing.stack`.
        attention: theirs ``[R, p, K, q, N]``.
    """

    part: slice
    wide: slice
    whole: bool
    inputs: Tensor
    attention: Tensor


@dataclass(frozen=True)
class Mixing:
    """How a layer's positions and attention are laid out for mixing.

    Attributes:
        low: the layer's sizes.
        may_stack: whether output rows join the batch if there are several bands.
    """

    low: Lowering
    may_stack: bool = False

    @cached_property
    def alone(self) -> bool:
        """Whether every output position stands alone."""
        return self.low.taps == 1

    @cached_property
    def bands(self) -> tuple[Band, ...]:
        """Outputs and the inputs that they read."""
        if self.alone:
            return ALONE
        if not self.stacked:
            return bands(self.low)
        first, *others = self.low.axes
        row = replace(first, size=first.live, out=1, first=0, start=0, stride=1, dilation=1)
        return (Band((row, *others), range(1)),)

    @cached_property
    def stacked(self) -> bool:
        """Whether output rows join the batch."""
        return self.may_stack and not self.alone and len(bands(self.low)) > 1

    @cached_property
    def copies(self) -> int:
        """How often an input position is laid out."""
        return self.low.axes[0].live if self.stacked else 1

    @property
    def pairs(self) -> int:
        """Pairs of output and input positions that attention is laid out for."""
        pairs = sum(band.pairs for band in self.bands)
        return pairs * (self.low.positions if self.alone else 1)

    def stack(self, values: Tensor) -> Tensor:
        """``[Q, S, ...]`` as ``[R, S, ...]``: rows of the first axis, as often as they are read."""
        if not self.stacked:
            return values
        axis = self.low.axes[0]
        rows = values.reshape(len(values), axis.size, -1, *values.shape[2:])
        laid = values.new_zeros((len(values), axis.out, axis.live, *rows.shape[2:]))
        for k in range(axis.live):
            outputs, inputs = axis.reach(k)
            laid[:, outputs, k] = rows[:, inputs]
        return laid.flatten(2, 3).flatten(0, 1)

    def stack_back(self, grad: Tensor) -> Tensor:
        """Adjoint of `stack`."""
        if not self.stacked:
            return grad
        axis, rest = self.low.axes[0], prod(axis.size for axis in self.low.axes[1:])
        laid = grad.view(-1, axis.out, axis.live, rest, *grad.shape[2:])
        total = grad.new_zeros((len(laid), axis.size, *laid.shape[3:]))
        for k in range(axis.live):
            outputs, inputs = axis.reach(k)
            total[:, inputs] += laid[:, outputs, k]
        return total.flatten(1, 2)

    def tiles(self, operands: Operands, most: int, *, stack: bool) -> Iterator[Tile]:
        """The batch in tiles of at most ``most`` samples, their input stacked or not yet."""
        for part in parts(len(operands.x), most):
            wide = self.low.wide(part)
            whole = part.stop - part.start == len(operands.x)
            inputs = self.input(operands.x[part])
            inputs = self.stack(inputs) if stack else inputs
            yield Tile(part, wide, whole, inputs, self.attention(operands.rows[wide]))

    def output(self, operands: Operands) -> Tensor:
        """Room for Y ``[Q, H, p, a]``."""
        q, a = len(operands.rows), operands.cells.shape[1]
        return operands.x.new_empty((q, self.low.positions, self.low.group_blocks, a))

    def input(self, x: Tensor) -> Tensor:
        """``[B, *spatial, I]`` as ``[R, S, q, D]``, a view where that is possible."""
        groups, blocks, depth = self.low.channels
        if self.alone:
            patches = Patches(self.low)
            return patches.read(patches.window(x)).reshape(-1, 1, blocks, self.low.depth)
        parts = x.view(len(x), -1, groups, blocks, depth).transpose(1, 2)
        return parts.reshape(-1, self.low.input_positions, blocks, depth)

    def input_back(self, grad: Tensor, into: Tensor) -> None:
        """Write the adjoint of `input` into ``[B, *spatial, I]``."""
        if self.alone:
            into.zero_()
            Patches(self.low).fold(grad, into)
        else:
            groups, blocks, depth = self.low.channels
            parts = grad.view(len(into), groups, -1, blocks, depth).transpose(1, 2)
            into.view(parts.shape).copy_(parts)

    def attention(self, rows: Tensor) -> Tensor:
        """A ``[Q, p, J, N]`` as ``[R, p, K, q, N]``."""
        q, p, _, n = rows.shape
        shape = (p, self.low.taps, self.low.channels[1], n)
        if not (self.alone or self.stacked):
            return rows.view(q, *shape)
        each = self.low.positions if self.alone else self.low.axes[0].out
        spread = rows.unsqueeze(1).expand(q, each, p, rows.shape[2], n)
        return spread.reshape(-1, *shape)

    def attention_back(self, grad: Tensor) -> Tensor:
        """Adjoint of `attention`."""
        r, p, _, _, n = grad.shape
        if not (self.alone or self.stacked):
            return grad.view(r, p, -1, n)
        each = self.low.positions if self.alone else self.low.axes[0].out
        return grad.view(-1, each, p, self.low.mixed, n).sum(1)

    def write(self, y: Tensor, band: Band, product: Tensor) -> None:
        """Put the outputs of a band ``[R, p * outputs, a]`` into Y ``[Q, H, p, a]``."""
        q, h, p, a = y.shape
        if self.alone:
            y.copy_(product.view(q, h, p, a))
        elif self.stacked:
            rows = self.low.axes[0].out
            y.view(q, rows, -1, p, a).copy_(product.view(q, rows, p, -1, a).transpose(2, 3))
        else:
            y[:, band.outputs] = product.view(q, p, -1, a).transpose(1, 2)

    def read(self, grad: Tensor, band: Band) -> Tensor:
        """A band's part ``[R, p * outputs, a]`` of a gradient ``[Q, H, p, a]``."""
        q, h, p, a = grad.shape
        if self.alone:
            return grad.reshape(q * h, p, a)
        if self.stacked:
            rows = self.low.axes[0].out
            return grad.view(q, rows, -1, p, a).transpose(2, 3).reshape(q * rows, -1, a)
        return grad[:, band.outputs].transpose(1, 2).reshape(q, -1, a)
