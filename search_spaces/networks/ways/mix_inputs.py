"""Mix the blocks of the input by attention, once for each cell, then multiply with the cells.

Arithmetic in units of the plain layer: N / J + N / a. Axes as in
`search_spaces.networks.ways.lowering` and `mixing`; U is mixed input ``[R p outputs, N, D]`` of a
band.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.bands import Band
from search_spaces.networks.ways.contraction import Kept, Operands, Room, contract
from search_spaces.networks.ways.matmul import add_product, sum_type
from search_spaces.networks.ways.mixing import Mixing, stacks
from search_spaces.networks.ways.scratch import kept_bytes

MANY = 256
"""Rows above which a CPU multiplies with one cell after the other."""


@dataclass(frozen=True, slots=True)
class MixInputs:
    """Contract P with A first; U of a batch that is one tile is kept for the backward pass.

    Attributes:
        keep: bytes that U of a tile may take.
        stack: whether bands are computed at once.
    """

    keep: int
    stack: bool = False

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Y ``[Q, H, p, a]``, and U if it may be kept."""
        mixing, cells = Mixing(operands.low, self.stack), operands.cells
        kept: Kept = ()
        y = mixing.output(operands)
        for tile in mixing.tiles(operands, self._samples(operands), stack=True):
            mixed = []
            for band in mixing.bands:
                mix = _mix(band, tile.attention)
                mixed.append(_mixed(mix, tile.inputs, band, len(cells)))
                mixing.write(y[tile.wide], band, _apply(mixed[-1], cells))
            kept = tuple(mixed) if tile.whole else ()
        return y, kept

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
        mixing = Mixing(low, self.stack)
        dx = torch.empty_like(x) if needs[0] else None
        da = torch.empty_like(rows) if needs[1] else None
        samples = self._samples(operands)
        for part, wide, _, inputs, attention in mixing.tiles(operands, samples, stack=True):
            dinputs, dattention = (
                inputs.new_zeros(inputs.shape),
                attention.new_zeros(attention.shape),
            )
            for i, band in enumerate(mixing.bands):
                mix, dy = _mix(band, attention), mixing.read(grad[wide], band).flatten(0, 1)
                if room is not None:
                    u = kept[i] if kept else _mixed(mix, inputs, band, len(cells))
                    dys = dy.expand(len(cells), *dy.shape)
                    first = room.new and part.start == 0 and i == 0
                    add_product(room.total, dys.mT, u.transpose(0, 1), first=first)
                if dx is None and da is None:
                    continue
                du = _apply_back(dy, cells).view(len(inputs), -1, cells.shape[2])
                if dx is not None:
                    _read(dinputs, band).add_(torch.bmm(mix.mT, du))
                if da is not None:
                    dmix = torch.bmm(du, _read(inputs, band).mT)
                    dattention += _mix_back(dmix, band, attention)
            if dx is not None:
                mixing.input_back(mixing.stack_back(dinputs), dx[part])
            if da is not None:
                da[wide] = mixing.attention_back(dattention)
        return dx, da

    def _samples(self, operands: Operands) -> int:
        """Samples of a tile."""
        low, x, _, cells = operands
        values = low.geometry.groups * low.positions * low.group_blocks * cells[:, 0].numel()
        return self.keep // (values * x.element_size())


def _mix(band: Band, attention: Tensor) -> Tensor:
    """Attention of a band as ``[R, p * outputs * N, inputs * q]``."""
    matrix = band.matrix(attention).flatten(3, 4).mT
    return matrix.reshape(len(attention), -1, matrix.shape[-1])


def _mix_back(grad: Tensor, band: Band, attention: Tensor) -> Tensor:
    """Adjoint of `_mix`."""
    r, p, _, q, n = attention.shape
    outputs = grad.shape[1] // (p * n)
    matrix = grad.view(r, p, outputs, n, -1).mT.reshape(r, p, outputs, -1, q, n)
    return band.matrix_back(matrix)


def _read(inputs: Tensor, band: Band) -> Tensor:
    """The blocks that a band reads: ``[R, inputs * q, D]``."""
    return inputs[:, band.inputs].flatten(1, 2)


def _mixed(mix: Tensor, inputs: Tensor, band: Band, cells: int) -> Tensor:
    """U of a band."""
    return torch.bmm(mix, _read(inputs, band)).view(-1, cells, inputs.shape[-1])


def _apply(u: Tensor, cells: Tensor) -> Tensor:
    """The sum of ``u[:, n] @ cells[n].mT`` over n: ``[rows, a]``.

    A CPU leaves the cells where they are: few rows are multiplied with several cells at a time and
    summed after, many rows with one cell after the other. An accelerator would rather move the
    cells and have one product.
    """
    if u.device.type != "cpu":
        return torch.mm(u.flatten(1), cells.mT.reshape(-1, cells.shape[1]))
    wide = sum_type(u.dtype)
    if u.dtype != wide or len(u) <= MANY:
        return torch.bmm(u.transpose(0, 1), cells.mT).sum(0, dtype=wide).to(u.dtype)
    y = u.new_zeros(len(u), cells.shape[1])
    for mixed, cell in zip(u.unbind(1), cells.mT.unbind(), strict=True):
        y.addmm_(mixed, cell)
    return y


def _apply_back(dy: Tensor, cells: Tensor) -> Tensor:
    """The gradient of U ``[rows, N, D]``."""
    return torch.bmm(dy.expand(len(cells), *dy.shape), cells).transpose(0, 1).contiguous()


def mix_inputs(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Compute by mixing inputs; shapes in `search_spaces.networks.ways`.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    return contract(x, alpha, cells, geometry, MixInputs(kept_bytes(x.device), stacks(x.device)))
