"""Mix the blocks of each patch by attention, a few cells at a time, then multiply with those cells.

Arithmetic in units of the plain layer: N / J + N / a. Axes as in
`search_spaces.networks.ways.lowering`; U is mixed input ``[q * H * p, cells of a chunk, D]``. It is
cheap to form and large to keep, so the backward pass forms it again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.contraction import Gradients, Kept, Operands, Room, contract
from search_spaces.networks.ways.matmul import sum_type
from search_spaces.networks.ways.scratch import scratch_bytes

FEW = 4
"""Cells that a chunk holds at least, before the batch is cut rather than the cells."""

MANY = 256
"""Rows above which a CPU multiplies with one cell after the other."""


@dataclass(frozen=True, slots=True)
class MixInputs:
    """Contract P with A first; ``scratch`` bounds a chunk of mixed input, in bytes."""

    scratch: int

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Y ``[Q, H, p, a]``; nothing is kept."""
        patches, rows, cells = operands
        q, h, j, d = patches.shape
        p, a = rows.shape[1], cells.shape[1]
        y = patches.new_zeros((q, h, p, a), dtype=sum_type(patches))
        for part, chunk in self._tiles(operands):
            mix = _spread(rows[part, :, :, chunk], h)
            u = torch.bmm(mix, patches[part].reshape(-1, j, d)).view(-1, mix.shape[1] // p, d)
            out = y[part].view(-1, a)
            _add_all(out, u, _some(cells, chunk, u))
        return y.to(patches.dtype), ()

    def backward(
        self,
        operands: Operands,
        grad: Tensor,
        needs: tuple[bool, bool, bool],
        room: Room | None,
        kept: Kept,  # noqa: ARG002 - nothing was kept
    ) -> Gradients:
        """Gradients of P, A and C where needed."""
        patches, rows, cells = operands
        _, h, j, d = patches.shape
        p, a = rows.shape[1], cells.shape[1]
        dp = patches.new_empty(patches.shape) if needs[0] else None
        da = rows.new_empty(rows.shape) if needs[1] else None
        own = room is None and needs[2]
        if own:
            room = Room(cells.new_empty(cells.shape), new=True)
        for part, chunk in self._tiles(operands):
            mix = _spread(rows[part, :, :, chunk], h)
            inputs, dy = patches[part].reshape(-1, j, d), grad[part].view(-1, a)
            some = _some(cells, chunk, patches)
            dys = dy.expand(len(some), *dy.shape)
            if room is not None and needs[2]:
                u = torch.bmm(mix, inputs).view(-1, len(some), d).transpose(0, 1)
                first = room.new and part.start == 0
                _add_product(room.total[chunk], dys.mT, u, first=first)
            if dp is None and da is None:
                continue
            du = torch.bmm(dys, some).transpose(0, 1).reshape(len(inputs), -1, d)
            if dp is not None:
                into = dp[part].view(-1, j, d)
                _add_product(into, mix.mT, du, first=chunk.start == 0)
            if da is not None:
                dmix = torch.bmm(du, inputs.mT).view(-1, h, p, len(some), j)
                da[part, :, :, chunk] = dmix.sum(1).mT
        return dp, da, room.total if room is not None and own else None

    def _tiles(self, operands: Operands) -> Iterator[tuple[slice, slice]]:
        """Slices of the batch, and in each of them chunks of cells."""
        q, h, _, d = operands.patches.shape
        p, _, n = operands.rows.shape[1:]
        sample = h * p * d * operands.patches.element_size()
        step = max(1, self.scratch // (sample * min(n, FEW)))
        chunk = max(1, self.scratch // (sample * min(step, q)))
        for low in range(0, q, step):
            for first in range(0, n, chunk):
                yield slice(low, low + step), slice(first, first + chunk)


def _spread(rows: Tensor, positions: int) -> Tensor:
    """Attention ``[q, p, J, n]`` for every position: ``[q * H, p * n, J]``."""
    q, p, j, n = rows.shape
    return rows.mT.unsqueeze(1).expand(q, positions, p, n, j).reshape(q * positions, p * n, j)


def _some(cells: Tensor, chunk: slice, like: Tensor) -> Tensor:
    """A chunk of cells in the type of the products."""
    return cells[chunk].to(like.dtype)


def _add_all(into: Tensor, u: Tensor, cells: Tensor) -> None:
    """Add ``u[:, n] @ cells[n].mT`` to ``into`` ``[rows, a]`` for every n.

    A CPU leaves the cells where they are: few rows are multiplied with several cells at a time and
    summed after, many rows with one cell after the other. An accelerator would rather move the
    cells and have one product.
    """
    if u.device.type != "cpu":
        into += torch.mm(u.flatten(1), cells.mT.reshape(-1, cells.shape[1]))
    elif u.dtype == into.dtype and len(u) > MANY:
        for mixed, cell in zip(u.unbind(1), cells.mT.unbind(), strict=True):
            into.addmm_(mixed, cell)
    else:
        into += torch.bmm(u.transpose(0, 1), cells.mT).sum(0, dtype=into.dtype)


def _add_product(into: Tensor, left: Tensor, right: Tensor, *, first: bool) -> None:
    """Add ``left @ right`` to ``into``, or write it there the first time."""
    if into.dtype != left.dtype:
        product = torch.bmm(left, right)
        into.copy_(product) if first else into.add_(product)
    elif first:
        torch.bmm(left, right, out=into)
    else:
        into.baddbmm_(left, right)


def mix_inputs(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Compute by mixing inputs; shapes in `search_spaces.networks.ways`.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    return contract(x, alpha, cells, geometry, MixInputs(scratch_bytes(x.device)))
