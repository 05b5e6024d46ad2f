"""One differentiable function for every order of contraction.

Input, attention and cells are kept for the backward pass. Patches, and whatever an order forms in
between, are kept within a bound and formed again above it. A batch whose patches would take too
much memory is computed in parts.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.ledger import Ledger, ledger_of
from search_spaces.networks.ways.lowering import Lowering, lower, lowers
from search_spaces.networks.ways.scratch import kept_bytes, scratch_bytes
from search_spaces.networks.ways.tracing import eager

PATCHES = 4
"""Patches of a part of the batch may take this many times the bound on scratch."""

Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]
Kept = tuple[Tensor, ...]


class Operands(NamedTuple):
    """P ``[Q, H, J, D]``, A ``[Q, p, J, N]`` and C ``[N, a, D]``."""

    patches: Tensor
    rows: Tensor
    cells: Tensor


class Room(NamedTuple):
    """Where a gradient of C ``[N, a, D]`` goes: added, or written if what is there is ``new``."""

    total: Tensor
    new: bool

    def add(self, grad: Tensor) -> None:
        """Add a gradient of this layer, or write it."""
        if self.new:
            self.total.copy_(grad)
        else:
            self.total.add_(grad)


class Order(Protocol):
    """An order of contracting the three operands."""

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Y ``[Q, H, p, a]``, and what the backward pass wants back."""
        ...

    def backward(
        self,
        operands: Operands,
        grad: Tensor,
        needs: tuple[bool, bool, bool],
        room: Room | None,
        kept: Kept,
    ) -> Gradients:
        """Gradients of P, A and C where needed, given that of Y.

        If there is ``room``, that of C goes there, and None comes back in its place.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Task:
    """What stays the same in every part of the batch."""

    lowering: Lowering
    order: Order
    dtype: torch.dtype
    samples: int
    keep: int

    def parts(self, batch: int) -> Iterator[slice]:
        for low in range(0, batch, self.samples):
            yield slice(low, low + self.samples)

    def operands(
        self, x: Tensor, alpha: Tensor, cells: Tensor, patches: Tensor | None = None
    ) -> Operands:
        low = self.lowering
        if patches is None:
            patches = low.patches(x, self.dtype)
        return Operands(patches, low.attention(alpha.to(self.dtype)), low.cells(cells))

    def worth_keeping(self, patches: Tensor, x: Tensor) -> Tensor | None:
        """The patches, if they are neither a view of the input nor larger than the bound."""
        size = patches.numel() * patches.element_size()
        view = patches.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
        return None if view or size > self.keep else patches


class _Context(Protocol):
    """What autograd hands from forward to backward."""

    task: _Task
    counts: list[int]
    saved_tensors: tuple[Tensor | None, ...]
    needs_input_grad: tuple[bool, bool, bool, bool]

    def save_for_backward(self, *tensors: Tensor | None) -> None: ...


class _Contract(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, x: Tensor, alpha: Tensor, cells: Tensor, task: _Task) -> Tensor:
        outputs: list[Tensor] = []
        saved: list[Tensor | None] = []
        ctx.task, ctx.counts = task, []
        for part in task.parts(len(x)):
            operands = task.operands(x[part], alpha[part], cells)
            y, kept = task.order.forward(operands)
            outputs.append(y)
            saved += [task.worth_keeping(operands.patches, x), *kept]
            ctx.counts.append(len(kept))
        ctx.save_for_backward(x, alpha, cells, *saved)
        return task.lowering.output(_joined(outputs))

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, alpha, cells, *saved = ctx.saved_tensors
        if x is None or alpha is None or cells is None:
            raise AssertionError(ctx.task)
        task, low, counts = ctx.task, ctx.task.lowering, iter(ctx.counts)
        needs = (ctx.needs_input_grad[0], ctx.needs_input_grad[1], ctx.needs_input_grad[2])
        dxs: list[Tensor] = []
        dalphas: list[Tensor] = []
        total = _Total(cells, low, ledger_of(cells) if needs[2] else None)
        with _autocast_off(x):
            for part in task.parts(len(x)):
                patches, kept = saved.pop(0), [saved.pop(0) for _ in range(next(counts))]
                dp, da, dc = task.order.backward(
                    task.operands(x[part], alpha[part], cells, patches),
                    low.output_back(grad[part], task.dtype),
                    needs,
                    total.room(),
                    tuple(tensor for tensor in kept if tensor is not None),
                )
                if dp is not None:
                    dxs.append(low.fold(dp, x[part]).to(x.dtype))
                if da is not None:
                    dalphas.append(low.attention_back(da, alpha[part]).to(alpha.dtype))
                if dc is not None:
                    total.add(dc)
        return (
            _joined(dxs) if dxs else None,
            _joined(dalphas) if dalphas else None,
            total.gradient(),
            None,
        )


class _Total:
    """The gradient of the cells, in a buffer that several layers share or in one of its own."""

    def __init__(self, cells: Tensor, lowering: Lowering, ledger: Ledger | None) -> None:
        self._cells, self._lowering, self._ledger = cells, lowering, ledger
        self._own: Tensor | None = None

    def room(self) -> Room | None:
        """Room for a gradient in C's own layout, where the cells are laid out alike."""
        if self._ledger is None or self._lowering.whole:
            return None
        total, new = self._ledger.open(self._cells)
        return Room(self._lowering.cells(total), new)

    def add(self, grad: Tensor) -> None:
        """Add a gradient in C's layout."""
        self._own = grad if self._own is None else self._own.add_(grad)

    def gradient(self) -> Tensor | None:
        """What this layer reports to autograd."""
        if self._own is None:
            return None
        return self._lowering.cells_back(self._own, self._cells).to(self._cells.dtype)


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def autocasts(x: Tensor) -> bool:
    """Whether autocast is on for the device of ``x``."""
    kind = x.device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def product_type(x: Tensor) -> torch.dtype:
    """Type in which products with ``x`` are computed: autocast's, or its own."""
    return torch.get_autocast_dtype(x.device.type) if autocasts(x) else x.dtype


def _autocast_off(x: Tensor) -> AbstractContextManager[object]:
    return torch.autocast(x.device.type, enabled=False) if autocasts(x) else nullcontext()


@eager
def contract(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry, order: Order) -> Tensor:
    """Compute a layer by contracting in ``order``; shapes in `search_spaces.networks.ways`.

    Under autocast the contraction runs in autocast's type; gradients come in the type of what they
    belong to.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    if not lowers(geometry):
        raise NotImplementedError(f"cells span several groups: {geometry}")
    low, dtype = lower(geometry, tuple(x.shape[2:])), product_type(x)
    sample = geometry.groups * low.positions * low.mixed * low.depth * dtype.itemsize
    samples = max(1, PATCHES * scratch_bytes(x.device) // sample)
    parts = -(-len(x) // samples)
    task = _Task(low, order, dtype, max(1, -(-len(x) // max(1, parts))), kept_bytes(x.device))
    with _autocast_off(x):
        y: Tensor = _Contract.apply(x, alpha, cells, task)
        return y
