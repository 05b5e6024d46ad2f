"""Assemble the kernels of a few samples, then apply them sample by sample: for inference.

Both ways form whole kernels of a tile of samples in one product, and lay them out channels last.
``multiply-each`` multiplies them with patches, live positions alone; ``convolve-each`` has the
library convolve every sample: no patches are copied. Of a kernel of one position it makes one
product a sample, in the layout of the input.

Axes as in `search_spaces.networks.ways.lowering` and `textbook`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from math import prod

import torch
from torch import Tensor

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
from search_spaces.networks.ways.matmul import times, times_each, times_laid_out, times_widened
from search_spaces.networks.ways.patches import Patches
from search_spaces.networks.ways.scratch import kept_bytes, scratch_bytes
from search_spaces.networks.ways.textbook import convolved, padded

SAMPLES = 16
"""Samples of a tile, at most: as many as make the product of an assembly a fast one."""

SPAN = 32
"""Output channels of a tile, at least."""

LAST = {2: torch.channels_last, 3: torch.channels_last_3d}
"""Layout of a convolution, by its number of spatial axes."""


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
    if len(rows) == 1:
        return times_laid_out(rows[0], cells).flatten(2).unsqueeze(0)
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


def pointwise(geometry: Geometry) -> bool:
    """Whether the layer is one product of matrices a sample: a dense kernel of one position."""
    padded = any(edge for pair in geometry.padding for edge in pair)
    return geometry.groups == 1 and prod(geometry.kernel) == 1 and not padded


def convolve_each(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Convolve each sample with its kernel; shapes in `search_spaces.networks.ways`.

    Where the kernel has one position, a sample is multiplied as it lies in memory, and so is the
    output: channels last or not. Other layers are convolved channels last. Cells may be of a
    narrower type than the attention; they are widened while kernels are formed.
    """
    x = padded(x, geometry)
    if len(x) == 1:
        kernels = _whole_kernels(alpha, cells, geometry).to(x.dtype)
        if pointwise(geometry):
            return _multiplied(x, kernels, geometry)
        return _convolved(x, kernels[0], geometry)
    pieces = _pieces(x, alpha, cells, geometry)
    first = next(pieces)
    batch = len(x)
    if len(first) == batch:
        return first
    if torch.is_grad_enabled():
        return torch.cat([first, *pieces])
    # each is copied while it is in cache, into the layout of the first
    y = first.new_empty_strided((batch, *first.shape[1:]), first.stride())
    at = 0
    for piece in chain((first,), pieces):
        y[at : at + len(piece)] = piece
        at += len(piece)
    return y


def _pieces(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Iterator[Tensor]:
    """The output, some samples at a time."""
    bytes_each = geometry.mixtures * cells[0].numel() * alpha.element_size()
    # cells are read once a piece, whose kernels may take as much as they do
    several = max(kept_bytes(x.device) // (2 * bytes_each), len(cells) // geometry.mixtures)
    most = max(1, min(SAMPLES, several))
    for part in parts(len(x), most):
        kernels = _whole_kernels(alpha[part], cells, geometry).to(x.dtype)
        if pointwise(geometry):
            yield _multiplied(x[part], kernels, geometry)
        else:
            for at, kernel in enumerate(kernels.unbind(), part.start):
                yield _convolved(x[at : at + 1], kernel, geometry)


def _convolved(x: Tensor, kernel: Tensor, geometry: Geometry) -> Tensor:
    """One sample, padded where the edges differ; channels last."""
    last = x.contiguous(memory_format=LAST.get(geometry.dims, torch.contiguous_format))
    return convolved(last, kernel.movedim(-1, 1), geometry)


def _multiplied(x: Tensor, kernels: Tensor, geometry: Geometry) -> Tensor:
    """One product a sample, whose output has the layout of ``x``."""
    if prod(geometry.stride) > 1:
        x = x[(slice(None), slice(None), *(slice(None, None, step) for step in geometry.stride))]
    batch, into = x.shape[:2]
    weights = kernels.view(batch, -1, into)
    if x.stride(1) == 1:
        rows = x.movedim(1, -1)
        y = torch.bmm(rows.reshape(batch, -1, into), weights.mT)
        return y.view(*rows.shape[:-1], -1).movedim(-1, 1)
    return torch.bmm(weights, x.reshape(batch, into, -1)).view(batch, -1, *x.shape[2:])


def _whole_kernels(alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Kernels ``[B, O, *kernel, I / groups]``."""
    s, p, q = geometry.blocks
    a, c, points = geometry.cell_out, geometry.cell_in, prod(geometry.cell_kernel)
    shape = (
        len(alpha),
        geometry.out_channels,
        *geometry.kernel,
        geometry.in_channels // geometry.groups,
    )
    if len(alpha) == 1 and points == 1 and _as_they_are(alpha, cells):
        rows = alpha.view(s, p, q, -1).transpose(0, 1).reshape(p, s * q, -1)
        return times_laid_out(rows, cells.flatten(2)).reshape(shape)
    mixed = _mixed(alpha.flatten(0, 1), cells.flatten(1))
    if s * q * points > 1:
        mixed = mixed.view(-1, s, p, q, a, c, points).permute(0, 2, 4, 1, 6, 3, 5)
    return mixed.reshape(shape)


def _mixed(rows: Tensor, cells: Tensor) -> Tensor:
    if _as_they_are(rows, cells):
        return times(rows, cells)
    if torch.is_grad_enabled() or autocasts(rows):
        return torch.matmul(rows, cells.to(rows.dtype))
    return times_widened(rows, cells)


def _as_they_are(rows: Tensor, cells: Tensor) -> bool:
    """Whether nothing but the numbers of the product is asked for: no gradient, no other type."""
    return cells.dtype == rows.dtype and not torch.is_grad_enabled() and not autocasts(rows)
