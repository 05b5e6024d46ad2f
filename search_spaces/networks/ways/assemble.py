"""Assemble kernels, a tile at a time, and multiply each with its sample's patches.

Arithmetic in units of the plain layer: 1 + N / H (all live positions counted). Axes as in
`search_spaces.networks.ways.lowering`. A tile W ``[q, J, d, a]`` holds the kernels of q samples
over d values of a patch; it stays in cache between being assembled and being used, and it spans
enough samples for the assembly, a product of ``[q J, N]`` and ``[N, d a]``, to run at full speed. N
is rounded up so that rows fill registers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.contraction import Gradients, Kept, Operands, Room, contract
from search_spaces.networks.ways.matmul import add_product, rounded, sum_type, times_transposed
from search_spaces.networks.ways.scratch import kept_bytes, scratch_bytes

ROWS = 64
"""Rows that the product of an assembly should have."""

SAMPLES = 8
"""A tile spans a multiple of this many samples where that many fit, so that cores share it."""

LARGE = 256 * 256
"""Values of a cell above which it is transposed on its own."""

DEPTHS = 16
"""A tile spans a multiple of this many values of a patch, if not all."""


@dataclass(frozen=True, slots=True)
class AssembleFirst:
    """Contract A with C first.

    Attributes:
        scratch: bytes that a tile of kernels may take.
        keep: bytes that the matrix of cells, and as many again that the kernels of a batch may take
            to be kept for the backward pass; above it they are formed again.
    """

    scratch: int
    keep: int

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Y ``[Q, H, p, a]``, and the kernels if they are kept."""
        patches, rows, cells = operands
        q, h, _, d = patches.shape
        a, mixes, matrix = cells.shape[1], _padded(rows), _matrix(cells, patches.dtype)
        y = patches.new_empty((q, h, rows.shape[1], a), dtype=sum_type(patches))
        kept = []
        keeps = rows[..., 0].numel() * d * a * rows.element_size() <= self.keep
        for span, part in self._tiles(operands):
            if part.start == 0:
                flat = matrix[:, span].flatten(1).contiguous()
            inputs = patches[part, :, :, span].flatten(2)
            for block in range(rows.shape[1]):
                kernels = torch.mm(mixes[part, block].flatten(0, 1), flat)
                kernels = kernels.view(len(inputs), -1, a)
                if span.start:
                    y[part, :, block] += torch.bmm(inputs, kernels)
                else:
                    y[part, :, block] = torch.bmm(inputs, kernels)
                if keeps:
                    kept.append(kernels)
        small = matrix.numel() * matrix.element_size() <= self.keep
        return y.to(patches.dtype), (matrix, *kept) if small else ()

    def backward(
        self,
        operands: Operands,
        grad: Tensor,
        needs: tuple[bool, bool, bool],
        room: Room | None,
        kept: Kept,
    ) -> Gradients:
        """Gradients of P, A and C where needed."""
        patches, rows, cells = operands
        q, h, j, d = patches.shape
        n, a, _ = cells.shape
        mixes = _padded(rows)
        matrix, *kernels = kept or (_matrix(cells, patches.dtype),)
        dp = patches.new_empty((q, h, j, d)) if needs[0] else None
        da = mixes.new_zeros(mixes.shape, dtype=sum_type(rows)) if needs[1] else None
        dc = matrix.new_zeros(matrix.shape, dtype=sum_type(matrix)) if needs[2] else None
        for span, part in self._tiles(operands):
            if part.start == 0:
                flat = matrix[:, span].flatten(1).contiguous()
            inputs = patches[part, :, :, span].flatten(2)
            tile = _room(dp, span, part)
            for block in range(rows.shape[1]):
                mix, dy = mixes[part, block].flatten(0, 1), grad[part, :, block]
                if tile is not None:
                    w = kernels.pop(0) if kernels else torch.mm(mix, flat).view(len(dy), -1, a)
                    tile = tile.baddbmm_(dy, w.mT) if block else torch.bmm(dy, w.mT, out=tile)
                if da is None and dc is None:
                    continue
                dw = torch.bmm(inputs.mT, dy).view(-1, flat.shape[1])
                if da is not None:
                    da[part, block] += times_transposed(dw, flat).view(len(dy), j, -1)
                if dc is not None:
                    add_product(dc[:, span].flatten(1), mix.mT, dw)
            if dp is not None and tile is not None and tile.shape[2] < j * d:
                dp[part, :, :, span] = tile.view(*tile.shape[:2], j, -1)
        if dc is not None and room is not None:
            room.add(dc[:n].mT)
        return (
            dp,
            None if da is None else da[..., :n],
            None if dc is None or room is not None else dc[:n].mT,
        )

    def _tiles(self, operands: Operands) -> Iterator[tuple[slice, slice]]:
        """Spans of a patch's values, and in each of them slices of the batch."""
        q, _, j, d = operands.patches.shape
        value = j * operands.cells.shape[1] * operands.patches.element_size()
        few = min(q, _even(-(-ROWS // j)))
        samples, depth = self.scratch // (value * d), d
        if samples < few:
            samples, depth = few, max(1, min(d, self.scratch // (value * few)))
            depth -= depth % DEPTHS if DEPTHS < depth < d else 0
        else:
            samples -= samples % SAMPLES if samples > SAMPLES else 0
        for first in range(0, d, depth):
            for low in range(0, q, samples):
                yield slice(first, first + depth), slice(low, low + samples)


def _even(samples: int) -> int:
    return samples + samples % 2


def _room(patches: Tensor | None, span: slice, part: slice) -> Tensor | None:
    """Where a tile's gradient ``[q, H, J d]`` goes: the place itself if it is whole."""
    if patches is None:
        return None
    place = patches[part, :, :, span]
    if place.shape[3] == patches.shape[3]:
        return place.flatten(2)
    return place.new_empty((*place.shape[:2], place.shape[2] * place.shape[3]))


def _matrix(cells: Tensor, dtype: torch.dtype) -> Tensor:
    """C ``[N, a, D]`` as ``[N rounded up, D, a]``, zeros below."""
    n, a, d = cells.shape
    matrix = cells.new_empty((rounded(n), d, a), dtype=dtype)
    if a * d <= LARGE:
        matrix[:n] = cells.mT
    else:  # torch transposes matrices much faster than it permutes more axes
        for into, cell in zip(matrix.unbind(), cells.mT.unbind(), strict=False):
            into.copy_(cell)
    matrix[n:] = 0
    return matrix


def _padded(rows: Tensor) -> Tensor:
    """A ``[Q, p, J, N]``, zeros behind."""
    n = rows.shape[-1]
    return F.pad(rows, (0, rounded(n) - n))


def assemble_matmul(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Compute by batched matmuls with patches; shapes in `search_spaces.networks.ways`.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    order = AssembleFirst(scratch_bytes(x.device), kept_bytes(x.device))
    return contract(x, alpha, cells, geometry, order)
