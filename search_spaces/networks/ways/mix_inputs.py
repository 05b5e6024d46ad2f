"""Mix the blocks of each patch by attention, a few cells at a time, then multiply with those cells.

Arithmetic in units of the plain layer: N / J + N / a. Axes as in
`search_spaces.networks.ways.lowering`; U is mixed input ``[q * H * p, cells of a chunk, D]``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.contraction import Gradients, Kept, Operands, contract
from search_spaces.networks.ways.scratch import scratch_bytes


@dataclass(frozen=True, slots=True)
class MixInputs:
    """Contract P with A first; ``scratch`` bounds a chunk of mixed input, in bytes."""

    scratch: int

    def _tiles(self, patches: Tensor, rows: Tensor) -> Iterator[tuple[slice, slice]]:
        """Slices of the batch, and in each of them chunks of cells."""
        q, h, _, d = patches.shape
        p, _, n = rows.shape[1:]
        sample = h * p * d * patches.element_size()
        step = max(1, self.scratch // (sample * min(n, 4)))
        chunk = max(1, self.scratch // (sample * min(step, q)))
        for low in range(0, q, step):
            for first in range(0, n, chunk):
                yield slice(low, low + step), slice(first, first + chunk)

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Y ``[Q, H, p, a]``; nothing is kept."""
        patches, rows, cells = operands
        q, h, j, d = patches.shape
        p, a = rows.shape[1], cells.shape[1]
        y = patches.new_zeros((q, h, p, a))
        for part, chunk in self._tiles(patches, rows):
            mix = _spread(rows[part, :, :, chunk], h)
            u = torch.bmm(mix, patches[part].reshape(-1, j, d)).view(-1, mix.shape[1] // p, d)
            out = y[part].view(-1, a)
            for i, cell in enumerate(cells[chunk].to(u.dtype)):
                out.addmm_(u[:, i], cell.mT)
        return y, ()

    def backward(
        self,
        operands: Operands,
        grad: Tensor,
        needs: tuple[bool, bool, bool],
        kept: Kept,  # noqa: ARG002 - mixed input is cheap to form again
    ) -> Gradients:
        """Gradients of P, A and C where needed."""
        patches, rows, cells = operands
        _, h, j, d = patches.shape
        p, a = rows.shape[1], cells.shape[1]
        dp = patches.new_zeros(patches.shape) if needs[0] else None
        da = rows.new_empty(rows.shape) if needs[1] else None
        dc = cells.new_zeros(cells.shape) if needs[2] else None
        for part, chunk in self._tiles(patches, rows):
            mix = _spread(rows[part, :, :, chunk], h)
            inputs, dy = patches[part].reshape(-1, j, d), grad[part].view(-1, a)
            some = cells[chunk].to(patches.dtype)
            if dc is not None:
                u = torch.bmm(mix, inputs).view(-1, len(some), d)
                for i, into in enumerate(dc[chunk]):
                    if into.dtype == u.dtype:
                        into.addmm_(dy.mT, u[:, i])
                    else:
                        into.add_(torch.mm(dy.mT, u[:, i]))
            if dp is None and da is None:
                continue
            du = patches.new_empty((len(dy), len(some), d))
            for i, cell in enumerate(some):
                torch.mm(dy, cell, out=du[:, i])
            du = du.view(len(inputs), -1, d)
            if dp is not None:
                dp[part].view(-1, j, d).baddbmm_(mix.mT, du)
            if da is not None:
                dmix = torch.bmm(du, inputs.mT).view(-1, h, p, len(some), j).sum(1)
                da[part, :, :, chunk] = dmix.mT
        return dp, da, dc


def _spread(rows: Tensor, positions: int) -> Tensor:
    """Attention ``[q, p, J, n]`` for every position: ``[q * H, p * n, J]``."""
    q, p, j, n = rows.shape
    return rows.mT.unsqueeze(1).expand(q, positions, p, n, j).reshape(q * positions, p * n, j)


def mix_inputs(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Compute by mixing inputs; shapes in `search_spaces.networks.ways`.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    return contract(x, alpha, cells, geometry, MixInputs(scratch_bytes(x.device)))
