"""What the two ways that mix share: tiles of the batch, and attention over space in each of them.

Axes as in `search_spaces.networks.ways.lowering`; R independent samples, S input positions of each
that meet all of its output positions. Cells that are cut along space leave R = Q and all positions
to a sample. Where cells span the kernel, or there is one kernel position, R = Q * H: every output
position stands alone, with its patch as the one input position.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from torch import Tensor

from search_spaces.networks.ways.axes import Axis
from search_spaces.networks.ways.bands import Band, bands
from search_spaces.networks.ways.contraction import Operands, parts
from search_spaces.networks.ways.lowering import Lowering
from search_spaces.networks.ways.patches import Patches

ALONE = (Band((Axis(size=1, out=1, first=0, live=1, start=0, stride=1, dilation=1),), range(1)),)
"""One output position that reads one input position."""


class Tile(NamedTuple):
    """Some samples of a batch.

    Attributes:
        part: which samples.
        wide: which samples x groups.
        whole: whether they are all there are.
        inputs: their input ``[R, S, q, D]``.
        attention: theirs ``[R, p, K, q, N]``.
    """

    part: slice
    wide: slice
    whole: bool
    inputs: Tensor
    attention: Tensor


@dataclass(frozen=True)
class Mixing:
    """How a layer's positions and attention are laid out for mixing."""

    low: Lowering

    @cached_property
    def alone(self) -> bool:
        """Whether every output position stands alone."""
        return self.low.taps == 1

    @cached_property
    def bands(self) -> tuple[Band, ...]:
        """Outputs and the inputs that they read."""
        return ALONE if self.alone else bands(self.low)

    @property
    def pairs(self) -> int:
        """Pairs of output and input positions that attention is laid out for."""
        pairs = sum(band.pairs for band in self.bands)
        return pairs * (self.low.positions if self.alone else 1)

    def tiles(self, operands: Operands, most: int) -> Iterator[Tile]:
        """The batch in tiles of at most ``most`` samples."""
        for part in parts(len(operands.x), most):
            wide = self.low.wide(part)
            whole = part.stop - part.start == len(operands.x)
            inputs = self.input(operands.x[part])
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
        if not self.alone:
            return rows.view(q, *shape)
        spread = rows.unsqueeze(1).expand(q, self.low.positions, p, rows.shape[2], n)
        return spread.reshape(-1, *shape)

    def attention_back(self, grad: Tensor) -> Tensor:
        """Adjoint of `attention`."""
        r, p, _, _, n = grad.shape
        if not self.alone:
            return grad.view(r, p, -1, n)
        return grad.view(-1, self.low.positions, p, self.low.mixed, n).sum(1)

    def write(self, y: Tensor, band: Band, product: Tensor) -> None:
        """Put the outputs of a band ``[R, p * outputs, a]`` into Y ``[Q, H, p, a]``."""
        q, h, p, a = y.shape
        if self.alone:
            y.copy_(product.view(q, h, p, a))
        else:
            y[:, band.outputs] = product.view(q, p, -1, a).transpose(1, 2)

    def read(self, grad: Tensor, band: Band) -> Tensor:
        """A band's part ``[R, p * outputs, a]`` of a gradient ``[Q, H, p, a]``."""
        q, h, p, a = grad.shape
        if self.alone:
            return grad.reshape(q * h, p, a)
        return grad[:, band.outputs].transpose(1, 2).reshape(q, -1, a)
