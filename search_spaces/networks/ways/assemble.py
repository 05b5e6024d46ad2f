"""Assemble kernels, a slice of the batch at a time, and multiply each with its sample's patches.

Arithmetic in units of the plain layer: 1 + N / H (all live positions counted). Axes as in
`search_spaces.networks.ways.lowering`; W is a slice of kernels ``[q, J, D, a]``. Cells are laid out
once as a matrix ``[N, D a]``, with N rounded up so that rows fill registers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.contraction import Gradients, Kept, Operands, contract
from search_spaces.networks.ways.matmul import rounded, times_transposed
from search_spaces.networks.ways.scratch import kept_bytes, scratch_bytes

SAMPLES = 8
"""A slice is a multiple of this many samples, or a power of two below, so that cores share it."""


@dataclass(frozen=True, slots=True)
class AssembleFirst:
    """Contract A with C first.

    Attributes:
        scratch: bytes that a slice of kernels may take.
        keep: bytes that the kernels of a batch may take to be kept for the backward pass; above it
            they are assembled again.
    """

    scratch: int
    keep: int

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Y ``[Q, H, p, a]``, and the kernels if they are kept."""
        patches, rows, cells = operands
        q, h, j, d = patches.shape
        a = cells.shape[1]
        flat, mixes = _matrix(cells, patches.dtype), _padded(rows)
        inputs = patches.reshape(q, h, j * d)
        y = patches.new_empty((q, h, rows.shape[1], a))
        kept = []
        keeps = rows[..., 0].numel() * d * a * rows.element_size() <= self.keep
        for block, part in self._slices(rows, d * a):
            kernels = torch.mm(mixes[part, block].flatten(0, 1), flat).view(-1, j * d, a)
            y[part, :, block] = torch.bmm(inputs[part], kernels)
            if keeps:
                kept.append(kernels)
        return y, tuple(kept)

    def backward(
        self,
        operands: Operands,
        grad: Tensor,
        needs: tuple[bool, bool, bool],
        kept: Kept,
    ) -> Gradients:
        """Gradients of P, A and C where needed."""
        patches, rows, cells = operands
        q, h, j, d = patches.shape
        n, a, _ = cells.shape
        flat, mixes = _matrix(cells, patches.dtype), _padded(rows)
        inputs = patches.reshape(q, h, j * d)
        dp = inputs.new_empty(inputs.shape) if needs[0] else None
        da = rows.new_empty(rows.shape) if needs[1] else None
        dc = flat.new_zeros(flat.shape) if needs[2] else None
        for i, (block, part) in enumerate(self._slices(rows, d * a)):
            mix, dy = mixes[part, block].flatten(0, 1), grad[part, :, block]
            if dp is not None:
                kernels = kept[i] if kept else torch.mm(mix, flat).view(-1, j * d, a)
                if block:
                    dp[part].baddbmm_(dy, kernels.mT)
                else:
                    torch.bmm(dy, kernels.mT, out=dp[part])
            if da is None and dc is None:
                continue
            dw = torch.bmm(inputs[part].mT, dy).view(-1, d * a)
            if da is not None:
                da[part, block] = times_transposed(dw, flat)[:, :n].view(-1, j, n)
            if dc is not None:
                dc.addmm_(mix.mT, dw)
        return (
            None if dp is None else dp.view(q, h, j, d),
            da,
            None if dc is None else dc[:n].view(n, d, a).transpose(1, 2),
        )

    def _slices(self, rows: Tensor, size: int) -> Iterator[tuple[int, slice]]:
        """Slices of the batch for every output block."""
        kernel = rows.shape[2] * size * rows.element_size()
        step = max(1, self.scratch // kernel)
        step -= step % SAMPLES if step > SAMPLES else step - (1 << (step.bit_length() - 1))
        for low in range(0, rows.shape[0], step):
            for block in range(rows.shape[1]):
                yield block, slice(low, low + step)


def _matrix(cells: Tensor, dtype: torch.dtype) -> Tensor:
    """C ``[N, a, D]`` as a matrix ``[N rounded up, D a]``, zeros below."""
    n, a, d = cells.shape
    flat = cells.new_empty((rounded(n), d, a), dtype=dtype)
    flat[:n] = cells.transpose(1, 2)
    flat[n:] = 0
    return flat.flatten(1)


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
