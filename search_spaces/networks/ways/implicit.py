"""Two of the orders on a GPU, in Triton kernels that need no patches in memory.

``assemble-implicit`` forms the kernels of a few samples in one product of attention and cells, in
the layout ``[Q, p, J, a, D]`` in which cells lie, so that nothing is laid out again; a kernel of
ours then convolves each sample with its own. ``mix-inputs-implicit`` has a kernel of ours mix the
input, and multiplies once with all cells. Gradients are the same products in other directions.

Both run where Triton does, see `launching.refusal`, and refuse otherwise.
"""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.contraction import (
    Kept,
    Operands,
    Room,
    contract,
    parts,
    product_type,
)
from search_spaces.networks.ways.launching import Kernels, refusal
from search_spaces.networks.ways.scratch import kept_bytes, scratch_bytes

ALIGNED = 8
"""Products read rows of a multiple of this many values at full speed: 16 bytes of a half type."""


def _kernels(operands: Operands) -> Kernels:
    return Kernels(operands.low, len(operands.cells), operands.x.dtype)


@dataclass(frozen=True, slots=True)
class AssembleImplicit:
    """Contract A with C first.

    Attributes:
        scratch: bytes that the kernels of some samples may take.
        keep: bytes that the kernels of a batch may take to be kept for the backward pass.
    """

    scratch: int
    keep: int

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Y ``[Q, H, p, a]``, and the kernels if they may be kept."""
        low, x, rows, cells = operands
        launch, share, flat = _kernels(operands), _aligned(rows, -1), _aligned(cells.flatten(1), 0)
        y = x.new_empty((len(rows), low.positions, low.group_blocks, cells.shape[1]))
        keeps = len(x) * self._bytes(operands) <= self.keep
        kept = []
        for part in parts(len(x), self._samples(operands)):
            wide = low.wide(part)
            w = torch.mm(share[wide].flatten(0, 2), flat)
            kept += [w] if keeps else []
            launch.convolve(x[part], w, y[wide])
        return y, tuple(kept)

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
        launch, share, flat = _kernels(operands), _aligned(rows, -1), _aligned(cells.flatten(1), 0)
        dx = torch.empty_like(x) if needs[0] else None
        da = rows.new_empty(rows.shape) if needs[1] else None
        forms = iter(kept)
        for part in parts(len(x), self._samples(operands)):
            wide = low.wide(part)
            mix = share[wide].flatten(0, 2)
            if dx is not None:
                w = next(forms) if kept else torch.mm(mix, flat)
                launch.input_gradient(grad[wide], w, dx[part])
            if da is None and room is None:
                continue
            dw = x.new_empty((len(mix), flat.shape[1]))
            launch.kernel_gradient(x[part], grad[wide], dw)
            if da is not None:
                da[wide] = torch.mm(dw, flat.mT)[:, : len(cells)].view_as(da[wide])
            if room is not None:
                product = torch.mm(mix.mT, dw)[: len(cells)].view(cells.shape)
                _add(room, product, first=part.start == 0)
        return dx, da

    def _samples(self, operands: Operands) -> int:
        """Samples whose kernels are formed at once."""
        return self.scratch // self._bytes(operands)

    @staticmethod
    def _bytes(operands: Operands) -> int:
        """Bytes of a sample's kernels, all groups together."""
        low, cells = operands.low, operands.cells
        values = low.geometry.groups * low.group_blocks * low.mixed * cells[0].numel()
        return values * cells.element_size()


@dataclass(frozen=True, slots=True)
class MixInputsImplicit:
    """Contract P with A first; ``keep`` bounds U ``[Q, H, p, N, D]`` of some samples, in bytes.

    U of a batch that is formed at once is kept for the backward pass.
    """

    keep: int

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Y ``[Q, H, p, a]``, and U if it may be kept."""
        low, x, rows, cells = operands
        flat = _outputs_first(cells)
        y = x.new_empty((len(rows), low.positions, low.group_blocks, cells.shape[1]))
        kept: Kept = ()
        for part in parts(len(x), self._samples(operands)):
            wide = low.wide(part)
            u = _mixed(operands, part)
            y[wide] = torch.mm(u, flat.mT).view(y[wide].shape)
            kept = (u,) if part.stop - part.start == len(x) else ()
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
        launch, flat = _kernels(operands), _outputs_first(cells)
        dx = torch.empty_like(x) if needs[0] else None
        da = rows.new_empty(rows.shape) if needs[1] else None
        for part in parts(len(x), self._samples(operands)):
            wide = low.wide(part)
            dy = grad[wide].flatten(0, 2)
            if room is not None:
                u = kept[0] if kept else _mixed(operands, part)
                product = torch.mm(dy.mT, u).view(dy.shape[1], len(cells), -1).transpose(0, 1)
                _add(room, product, first=part.start == 0)
            if dx is None and da is None:
                continue
            du = torch.mm(dy, flat)
            if dx is not None:
                launch.mixed_input_gradient(rows[wide].contiguous(), du, dx[part])
            if da is not None:
                launch.attention_gradient(x[part], du, da[wide])
        return dx, da

    def _samples(self, operands: Operands) -> int:
        """Samples whose input is mixed at once."""
        low, cells = operands.low, operands.cells
        values = low.geometry.groups * low.positions * low.group_blocks * cells[:, 0].numel()
        return self.keep // (values * cells.element_size())


def _mixed(operands: Operands, part: slice) -> Tensor:
    """U of some samples, as ``[Q H p, N D]``."""
    low, x, rows, cells = operands
    attention = rows[low.wide(part)].contiguous()
    u = x.new_empty((len(attention) * low.positions * low.group_blocks, prod(cells[:, 0].shape)))
    _kernels(operands).mix(x[part], attention, u)
    return u


def _outputs_first(cells: Tensor) -> Tensor:
    """C ``[N, a, D]`` as ``[a, N D]``."""
    return cells.transpose(0, 1).flatten(1)


def _aligned(tensor: Tensor, axis: int) -> Tensor:
    """With zeros after the cells of that axis, the first or the last, up to an even row."""
    missing = -tensor.shape[axis] % ALIGNED
    if not missing:
        return tensor.contiguous()
    return F.pad(tensor, (0, missing) if axis else (0, 0, 0, missing))


def _add(room: Room, product: Tensor, *, first: bool) -> None:
    if room.new and first:
        room.total.copy_(product)
    else:
        room.total.add_(product)


def _refuse(x: Tensor) -> None:
    reason = refusal(x.device, product_type(x))
    if reason:
        raise NotImplementedError(f"{reason}; this way consists of its kernels")


def assemble_implicit(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Assemble kernels and convolve each sample; shapes in `search_spaces.networks.ways`.

    Raises:
        NotImplementedError: Triton does not run here, or a cell spans several groups.
    """
    _refuse(x)
    order = AssembleImplicit(scratch_bytes(x.device), kept_bytes(x.device))
    return contract(x, alpha, cells, geometry, order)


def mix_inputs_implicit(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Mix inputs, then multiply with all cells; shapes in `search_spaces.networks.ways`.

    Raises:
        NotImplementedError: Triton does not run here, or a cell spans several groups.
    """
    _refuse(x)
    return contract(x, alpha, cells, geometry, MixInputsImplicit(kept_bytes(x.device)))
