"""Assemble kernels, a slice of the batch at a time, and multiply each with its sample's patches.

Arithmetic in units of the plain layer: 1 + N / H (all live positions counted). Axes as in
`search_spaces.networks.ways.lowering`; W is a slice of kernels ``[q, J, D, a]``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.contraction import Gradients, contract
from search_spaces.networks.ways.scratch import scratch_bytes


@dataclass(frozen=True, slots=True)
class AssembleFirst:
    """Contract A with C first; ``scratch`` bounds a slice of kernels, in bytes."""

    scratch: int

    def _slices(self, rows: Tensor, size: int) -> Iterator[tuple[int, slice]]:
        kernel = rows.shape[2] * size * rows.element_size()
        step = max(1, self.scratch // kernel)
        for low in range(0, rows.shape[0], step):
            for block in range(rows.shape[1]):
                yield block, slice(low, low + step)

    def forward(self, patches: Tensor, rows: Tensor, cells: Tensor) -> Tensor:
        """Y ``[Q, H, p, a]``."""
        q, h, j, d = patches.shape
        n, a, _ = cells.shape
        flat = cells.transpose(1, 2).to(patches.dtype).reshape(n, d * a)
        inputs = patches.reshape(q, h, j * d)
        y = patches.new_empty((q, h, rows.shape[1], a))
        for block, part in self._slices(rows, d * a):
            kernels = torch.mm(rows[part, block].reshape(-1, n), flat).view(-1, j * d, a)
            y[part, :, block] = torch.bmm(inputs[part], kernels)
        return y

    def backward(
        self,
        patches: Tensor,
        rows: Tensor,
        cells: Tensor,
        grad: Tensor,
        needs: tuple[bool, bool, bool],
    ) -> Gradients:
        """Gradients of P, A and C where needed."""
        q, h, j, d = patches.shape
        n, a, _ = cells.shape
        flat = cells.transpose(1, 2).to(patches.dtype).reshape(n, d * a)
        inputs = patches.reshape(q, h, j * d)
        dp = inputs.new_empty(inputs.shape) if needs[0] else None
        da = rows.new_empty(rows.shape) if needs[1] else None
        dc = flat.new_zeros(flat.shape) if needs[2] else None
        for block, part in self._slices(rows, d * a):
            mix, dy = rows[part, block].reshape(-1, n), grad[part, :, block]
            if dp is not None:
                kernels = torch.mm(mix, flat).view(-1, j * d, a)
                if block:
                    dp[part].baddbmm_(dy, kernels.mT)
                else:
                    torch.bmm(dy, kernels.mT, out=dp[part])
            if da is None and dc is None:
                continue
            dw = torch.bmm(inputs[part].mT, dy).view(-1, d * a)
            if da is not None:
                da[part, block] = torch.mm(dw, flat.mT).view(-1, j, n)
            if dc is not None:
                dc.addmm_(mix.mT, dw)
        return (
            None if dp is None else dp.view(q, h, j, d),
            da,
            None if dc is None else dc.view(n, d, a).transpose(1, 2),
        )


def assemble_matmul(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Compute by batched matmuls with patches; shapes in `search_spaces.networks.ways`.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    return contract(x, alpha, cells, geometry, AssembleFirst(scratch_bytes(x.device)))
