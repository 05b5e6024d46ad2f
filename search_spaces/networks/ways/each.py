"""Assemble the kernels of a few samples, then apply them sample by sample: for inference.

Both ways form whole kernels of a tile of samples in one product, and lay them out channels last.
``multiply-each`` multiplies them with patches, live positions alone; ``convolve-each`` has the
library convolve every sample: no patches are copied.

Axes as in `search_spaces.networks.ways.lowering` and `textbook`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.assemble import AssembleFirst
from search_spaces.networks.ways.contraction import (
    Kept,
    Operands,
    Room,
    autocasts,
    contract,
    parts,
)
from search_spaces.networks.ways.matmul import times, times_each, times_widened
from search_spaces.networks.ways.patches import Patches
from search_spaces.networks.ways.scratch import kept_bytes, scratch_bytes
from search_spaces.networks.ways.textbook import CONVOLVE

SAMPLES = 16
"""Samples of a tile, at most: as many as make the product of an assembly a fast one."""

SPAN = 32
"""Output channels of a tile, at least."""


@dataclass(frozen=True, slots=True)
class MultiplyEach:
    """Contract A with C first, for all channels at once.

    Attributes:
        keep: bytes that the kernels and patches of a tile may take.
        training: the order that gradients are computed in.
    """

    keep: int
    training: AssembleFirst

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Y ``[Q, H, p, a]``; nothing is kept."""
        low, x, rows, cells = operands
        patches = Patches(low)
        window = patches.window(x)
        a, blocks = cells.shape[1], low.group_blocks
        y = x.new_empty((len(rows), low.positions, blocks, a))
        samples, span = self._tiling(operands)
        for part in parts(len(x), samples):
            wide = low.wide(part)
            inputs = patches.read(window[part]).flatten(2)
            for out in (slice(start, min(start + span, a)) for start in range(0, a, span)):
                kernels = _kernels(rows[wide], cells[:, out])
                product = times_each(inputs, kernels.flatten(1, 2))
                y[wide, :, :, out] = product.view(*product.shape[:2], blocks, -1)
        return y, ()

    def backward(
        self,
        operands: Operands,
        grad: Tensor,
        needs: tuple[bool, bool],
        room: Room | None,
        kept: Kept,
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients as `AssembleFirst` computes them."""
        return self.training.backward(operands, grad, needs, room, kept)

    def _tiling(self, operands: Operands) -> tuple[int, int]:
        """Samples of a tile, and the output channels of a cell."""
        low, size = operands.low, operands.x.element_size() * operands.low.geometry.groups
        patch = low.mixed * low.depth * size
        # formed once, and laid out once
        channel, a = 2 * patch * low.group_blocks, operands.cells.shape[1]
        samples = min(SAMPLES, self.keep // (patch * low.positions + channel * min(a, SPAN)))
        samples = max(1, min(samples, len(operands.x)))
        return samples, min(a, max(SPAN, self.keep // (channel * samples)))


def _kernels(rows: Tensor, cells: Tensor) -> Tensor:
    """``[Q, p, J, N]`` and ``[N, a, D]`` as ``[Q, p, a, J D]``."""
    n, a, d = cells.shape
    formed = times(rows.flatten(0, 2), cells.reshape(n, -1)).view(*rows.shape[:3], a, d)
    return formed.transpose(2, 3).flatten(3)


def multiply_each(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Multiply the patches of each sample with its kernel; shapes in `search_spaces.networks.ways`.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    training = AssembleFirst(scratch_bytes(x.device), keep=0)
    return contract(x, alpha, cells, geometry, MultiplyEach(kept_bytes(x.device), training))


def convolve_each(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Convolve each sample with its kernel; shapes in `search_spaces.networks.ways`.

    Cells may be of a narrower type than the attention; they are widened while kernels are formed.
    """
    padding = geometry.even_padding
    if padding is None:
        x = F.pad(x, [edge for pair in reversed(geometry.padding) for edge in pair])
        padding = (0,) * geometry.dims
    last = {2: torch.channels_last, 3: torch.channels_last_3d}.get(geometry.dims)
    x = x.contiguous() if last is None else x.contiguous(memory_format=last)
    bytes_each = geometry.mixtures * cells[0].numel() * alpha.element_size()
    most = max(1, min(SAMPLES, kept_bytes(x.device) // (2 * bytes_each)))
    done = [
        CONVOLVE[geometry.dims](
            x[at : at + 1],
            kernel.to(x.dtype),
            stride=geometry.stride,
            padding=padding,
            dilation=geometry.dilation,
            groups=geometry.groups,
        )
        for at, kernel in enumerate(_each(alpha, cells, geometry, most))
    ]
    return done[0] if len(done) == 1 else torch.cat(done)


def _each(alpha: Tensor, cells: Tensor, geometry: Geometry, most: int) -> Iterator[Tensor]:
    """Kernels ``[O, I / groups, *kernel]`` one by one, their input channels last in memory."""
    s, p, q = geometry.blocks
    a, c, points = geometry.cell_out, geometry.cell_in, prod(geometry.cell_kernel)
    for part in parts(len(alpha), most):
        mixed = _mixed(alpha[part].flatten(0, 1), cells.flatten(1))
        pieces = mixed.view(-1, s, p, q, a, c, points).permute(0, 2, 4, 1, 6, 3, 5)
        kernels = pieces.reshape(-1, p * a, *geometry.kernel, q * c).movedim(-1, 2)
        yield from kernels.unbind()


def _mixed(rows: Tensor, cells: Tensor) -> Tensor:
    if torch.is_grad_enabled() or autocasts(rows):
        return torch.matmul(rows, cells.to(rows.dtype))
    return times(rows, cells) if cells.dtype == rows.dtype else times_widened(rows, cells)
