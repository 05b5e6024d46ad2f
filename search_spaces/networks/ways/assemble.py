"""Assemble kernels, a tile at a time, and multiply each with its sample's patches.

Arithmetic in units of the plain layer: 1 + N / H (all live positions counted). Axes as in
`search_spaces.networks.ways.lowering`. A tile W ``[p, q, J, d, a]`` holds the kernels of q samples
for a span of channels; it stays in cache between being assembled and being used, and it has enough
samples for the assembly, a product of ``[p q J, N]`` and ``[N, d a]``, to run at full speed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.contraction import Kept, Operands, Room, contract, parts
from search_spaces.networks.ways.lowering import Lowering
from search_spaces.networks.ways.matmul import add_product, sum_type, times_transposed
from search_spaces.networks.ways.patches import Patches
from search_spaces.networks.ways.scratch import kept_bytes, scratch, scratch_bytes

ROWS = 64
"""Rows that the product of an assembly should have."""

CHANNELS = 16
"""A span has a multiple of this many channels, if not all."""


@dataclass(frozen=True, slots=True)
class AssembleFirst:
    """Contract A with C first.

    Attributes:
        scratch: bytes that a tile of kernels may take.
        keep: bytes that the kernels of a batch may take to be kept for the backward pass.
    """

    scratch: int
    keep: int

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Y ``[Q, H, p, a]``, and the kernels tile by tile if they may be kept."""
        low, x, rows, cells = operands
        patches = Patches(low)
        window, mixes = patches.window(x), rows.transpose(0, 1)
        shape = (len(rows), low.positions, low.group_blocks, cells.shape[1])
        y = x.new_empty(shape, dtype=sum_type(x.dtype))
        samples, spans = self._tiling(operands)
        keeps = len(x) * self._channel(operands) * low.geometry.cell_in <= self.keep
        kept = []
        for span in spans:
            chunk = _chunk(low, cells, span)
            for part in parts(len(x), samples):
                wide = low.wide(part)
                inputs = patches.read(window[part], span).flatten(2)
                kernels = _kernels(mixes[:, wide], chunk, inputs, keeps=keeps)
                kept += [kernels] if keeps else []
                for block in range(len(kernels)):
                    product = torch.bmm(inputs, kernels[block])
                    target = y[wide, :, block]
                    target.copy_(product) if span.start == 0 else target.add_(product)
        return y.to(x.dtype), tuple(kept)

    def backward(
        self,
        operands: Operands,
        grad: Tensor,
        needs: tuple[bool, bool],
        room: Room | None,
        kept: Kept,
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients of X and A where needed; that of C goes into ``room``."""
        low, x, rows, cells = operands
        patches = Patches(low)
        window, mixes = patches.window(x), rows.transpose(0, 1)
        dx = torch.zeros_like(x) if needs[0] else None
        da = mixes.new_zeros(mixes.shape, dtype=sum_type(x.dtype)) if needs[1] else None
        sums = x.new_empty(0, dtype=sum_type(x.dtype))
        samples, spans = self._tiling(operands)
        tiles = iter(kept)
        for span in spans:
            chunk = _chunk(low, cells, span)
            total = scratch("cells' gradient", tuple(chunk.shape), sums)
            for part in parts(len(x), samples):
                wide = low.wide(part)
                inputs = patches.read(window[part], span).flatten(2)
                dys, mix = grad[wide].unbind(2), mixes[:, wide]
                if dx is not None:
                    kernels = next(tiles) if kept else _kernels(mix, chunk, inputs)
                    patches.fold(_patches_gradient(inputs, dys, kernels), dx[part], span)
                if da is None and room is None:
                    continue
                dw = _kernels_gradient(inputs, dys).view(-1, chunk.shape[1])
                if da is not None:
                    da[:, wide] += times_transposed(dw, chunk).view_as(mix)
                if room is not None:
                    add_product(total, mix.flatten(0, 2).mT, dw, first=part.start == 0)
            if room is not None:
                _deliver(low, total, room, span)
        return dx, None if da is None else da.transpose(0, 1)

    def _tiling(self, operands: Operands) -> tuple[int, Iterator[slice]]:
        """Samples of a tile, and the spans of channels."""
        low, c, channel = operands.low, operands.low.geometry.cell_in, self._channel(operands)
        few = -(-ROWS // (low.group_blocks * low.mixed * low.geometry.groups))
        few = min(len(operands.x), few + few % 2)
        samples, step = self.scratch // (channel * c), c
        if samples < few:
            samples, step = few, max(1, self.scratch // (channel * few))
            step -= step % CHANNELS if step > CHANNELS else 0
        return samples, (slice(low, min(low + step, c)) for low in range(0, c, step))

    @staticmethod
    def _channel(operands: Operands) -> int:
        """Bytes of a sample's kernels for one channel of a block."""
        low = operands.low
        values = low.group_blocks * low.mixed * low.points * low.geometry.cell_out
        return values * low.geometry.groups * operands.x.element_size()


def _chunk(low: Lowering, cells: Tensor, span: slice) -> Tensor:
    """C ``[N, a, D]`` for a span, as ``[N, d a]``."""
    n, a, _ = cells.shape
    part = cells.view(n, a, low.points, -1)[..., span].flatten(2).mT
    return scratch("cells", tuple(part.shape), cells).copy_(part).flatten(1)


def _deliver(low: Lowering, total: Tensor, room: Room, span: slice) -> None:
    """Bring a gradient ``[N, d a]`` of a span to where it belongs."""
    n, a, _ = room.total.shape
    target = room.total.view(n, a, low.points, -1)[..., span]
    part = total.view(n, -1, a).mT.reshape(target.shape)
    target.copy_(part) if room.new else target.add_(part)


def _kernels(mixes: Tensor, chunk: Tensor, inputs: Tensor, *, keeps: bool = False) -> Tensor:
    """W of a tile: ``[p, q, J d, a]``, for patches ``[q, H, J d]``."""
    mix = mixes.flatten(0, 2)
    shape = (len(mix), chunk.shape[1])
    kernels = chunk.new_empty(shape) if keeps else scratch("kernels", shape, chunk)
    torch.mm(mix, chunk, out=kernels)
    return kernels.view(len(mixes), len(inputs), inputs.shape[2], -1)


def _patches_gradient(inputs: Tensor, dys: tuple[Tensor, ...], kernels: Tensor) -> Tensor:
    """The gradient of P of a tile, in scratch memory."""
    dp = scratch("patches' gradient", tuple(inputs.shape), inputs)
    for block, dy in enumerate(dys):
        add_product(dp, dy, kernels[block].mT, first=block == 0)
    return dp


def _kernels_gradient(inputs: Tensor, dys: tuple[Tensor, ...]) -> Tensor:
    """The gradient of W of a tile: ``[p, q, J d, a]``."""
    a = dys[0].shape[-1]
    dw = scratch("kernels", (len(dys), len(inputs), inputs.shape[2], a), inputs)
    for into, dy in zip(dw.unbind(), dys, strict=True):
        torch.bmm(inputs.mT, dy, out=into)
    return dw


def assemble_matmul(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Compute by batched matmuls with patches; shapes in `search_spaces.networks.ways`.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    order = AssembleFirst(scratch_bytes(x.device), kept_bytes(x.device))
    return contract(x, alpha, cells, geometry, order)
