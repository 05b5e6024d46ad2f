"""Multiply every block of the input with all cells, then mix the products by attention.

Arithmetic in units of the plain layer, at stride 1: N / (K p) + N / c. Axes as in
`search_spaces.networks.ways.lowering` and `mixing`; V is all products ``[R, S q N, a]``. The cells
are used as they lie in memory, in three products of large matrices: for V, for the gradient of the
input and for that of the cells.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.bands import Band
from search_spaces.networks.ways.contraction import Kept, Operands, Room, contract
from search_spaces.networks.ways.matmul import add_product, times_transposed
from search_spaces.networks.ways.mixing import Mixing, stacks
from search_spaces.networks.ways.scratch import kept_bytes, scratch


@dataclass(frozen=True, slots=True)
class MixOutputs:
    """Contract P with C first; V of a batch that is one tile is kept for the backward pass.

    Attributes:
        keep: bytes that V of a tile may take.
        stack: whether bands are computed at once.
    """

    keep: int
    stack: bool = False

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Y ``[Q, H, p, a]``, and V if it may be kept."""
        mixing = Mixing(operands.low, self.stack)
        kept: Kept = ()
        y = mixing.output(operands)
        for tile in mixing.tiles(operands, self._samples(operands), stack=False):
            v = mixing.stack(_products(tile.inputs, operands.cells))
            for band in mixing.bands:
                product = torch.bmm(_mix(band, tile.attention), _read(v, band))
                mixing.write(y[tile.wide], band, product)
            kept = (v,) if tile.whole else ()
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
        for part, wide, _, inputs, attention in mixing.tiles(operands, samples, stack=False):
            dys = [mixing.read(grad[wide], band) for band in mixing.bands]
            if da is not None:
                v = kept[0] if kept else mixing.stack(_products(inputs, cells))
                da[wide] = mixing.attention_back(_attention_gradient(mixing, attention, v, dys))
            if dx is None and room is None:
                continue
            dv = _products_gradient(mixing, attention, dys, inputs, len(cells))
            dv = mixing.stack_back(dv).view(-1, cells[..., 0].numel())
            if dx is not None:
                mixing.input_back(torch.mm(dv, cells.flatten(0, 1)), dx[part])
            if room is not None:
                first = room.new and part.start == 0
                add_product(room.total.flatten(0, 1), dv.mT, inputs.flatten(0, 2), first=first)
        return dx, da

    def _samples(self, operands: Operands) -> int:
        """Samples of a tile."""
        low, x, _, cells = operands
        groups, blocks, _ = low.channels
        mixing = Mixing(low, self.stack)
        positions = low.positions if mixing.alone else low.input_positions * mixing.copies
        return self.keep // (groups * positions * blocks * cells[..., 0].numel() * x.element_size())


def _products(inputs: Tensor, cells: Tensor) -> Tensor:
    """V ``[R, S, q N, a]`` of ``[R, S, q, D]``."""
    v = times_transposed(inputs.flatten(0, 2), cells.flatten(0, 1))
    return v.view(*inputs.shape[:2], -1, cells.shape[1])


def _mix(band: Band, attention: Tensor) -> Tensor:
    """Attention of a band as ``[R, p * outputs, inputs * q N]``."""
    return band.matrix(attention).flatten(3).flatten(1, 2)


def _read(v: Tensor, band: Band) -> Tensor:
    """The products that a band reads: ``[R, inputs * q N, a]``."""
    return v[:, band.inputs].flatten(1, 2)


def _attention_gradient(mixing: Mixing, attention: Tensor, v: Tensor, dys: list[Tensor]) -> Tensor:
    """The gradient of attention ``[R, p, K, q, N]``."""
    total = attention.new_zeros(attention.shape)
    r, p, _, q, n = attention.shape
    for band, dy in zip(mixing.bands, dys, strict=True):
        matrix = torch.bmm(dy, _read(v, band).mT).view(r, p, dy.shape[1] // p, -1, q, n)
        total += band.matrix_back(matrix)
    return total


def _products_gradient(
    mixing: Mixing, attention: Tensor, dys: list[Tensor], inputs: Tensor, cells: int
) -> Tensor:
    """The gradient of V ``[R, S, q N, a]``, in scratch memory."""
    q = inputs.shape[2]
    s = mixing.bands[0].inputs.stop if mixing.stacked else inputs.shape[1]
    dv = scratch("products' gradient", (len(attention), s, q * cells, dys[0].shape[2]), inputs)
    if len(dys) == 1 and mixing.bands[0].inputs == slice(0, s):
        torch.bmm(_mix(mixing.bands[0], attention).mT, dys[0], out=dv.flatten(1, 2))
        return dv
    dv.zero_()
    for band, dy in zip(mixing.bands, dys, strict=True):
        _read(dv, band).add_(torch.bmm(_mix(band, attention).mT, dy))
    return dv


def mix_outputs(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Compute by mixing outputs; shapes in `search_spaces.networks.ways`.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    order = MixOutputs(kept_bytes(x.device), stacks(x.device))
    return contract(x, alpha, cells, geometry, order)
