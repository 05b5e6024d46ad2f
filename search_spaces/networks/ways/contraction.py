"""One differentiable function for every order of contraction.

Input, attention and cells are kept for the backward pass. Patches, and whatever an order forms in
between, are kept within a bound and formed again above it.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.lowering import Lowering, lower, lowers
from search_spaces.networks.ways.scratch import kept_bytes

Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]
Kept = tuple[Tensor, ...]


class Operands(NamedTuple):
    """P ``[Q, H, J, D]``, A ``[Q, p, J, N]`` and C ``[N, a, D]``."""

    patches: Tensor
    rows: Tensor
    cells: Tensor


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
        kept: Kept,
    ) -> Gradients:
        """Gradients of P, A and C where needed, given that of Y."""
        ...


@dataclass(frozen=True, slots=True)
class _Task:
    lowering: Lowering
    order: Order
    dtype: torch.dtype
    keep: int


class _Context(Protocol):
    """What autograd hands from forward to backward."""

    task: _Task
    saved_tensors: tuple[Tensor | None, ...]
    needs_input_grad: tuple[bool, bool, bool, bool]

    def save_for_backward(self, *tensors: Tensor | None) -> None: ...


class _Contract(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, x: Tensor, alpha: Tensor, cells: Tensor, task: _Task) -> Tensor:
        ctx.task = task
        operands = _operands(x, alpha, cells, task, None)
        y, kept = task.order.forward(operands)
        ctx.save_for_backward(x, alpha, cells, _worth_keeping(operands.patches, x, task), *kept)
        return task.lowering.output(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, alpha, cells, patches, *kept = ctx.saved_tensors
        task, low, needs = ctx.task, ctx.task.lowering, ctx.needs_input_grad
        if x is None or alpha is None or cells is None:
            raise AssertionError(task)
        with _autocast_off(x):
            dp, da, dc = task.order.backward(
                _operands(x, alpha, cells, task, patches),
                low.output_back(grad, task.dtype),
                (needs[0], needs[1], needs[2]),
                tuple(tensor for tensor in kept if tensor is not None),
            )
        return (
            None if dp is None else low.fold(dp, x).to(x.dtype),
            None if da is None else low.attention_back(da, alpha).to(alpha.dtype),
            None if dc is None else low.cells_back(dc, cells).to(cells.dtype),
            None,
        )


def autocasts(x: Tensor) -> bool:
    """Whether autocast is on for the device of ``x``."""
    kind = x.device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def product_type(x: Tensor) -> torch.dtype:
    """Type in which products with ``x`` are computed: autocast's, or its own."""
    return torch.get_autocast_dtype(x.device.type) if autocasts(x) else x.dtype


def _operands(
    x: Tensor, alpha: Tensor, cells: Tensor, task: _Task, patches: Tensor | None
) -> Operands:
    low = task.lowering
    if patches is None:
        patches = low.patches(x, task.dtype)
    return Operands(patches, low.attention(alpha.to(task.dtype)), low.cells(cells))


def _worth_keeping(patches: Tensor, x: Tensor, task: _Task) -> Tensor | None:
    """The patches, if they are neither a view of the input nor larger than the bound."""
    size = patches.numel() * patches.element_size()
    view = patches.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    return None if view or size > task.keep else patches


def _autocast_off(x: Tensor) -> AbstractContextManager[object]:
    return torch.autocast(x.device.type, enabled=False) if autocasts(x) else nullcontext()


def contract(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry, order: Order) -> Tensor:
    """Compute a layer by contracting in ``order``; shapes in `search_spaces.networks.ways`.

    Under autocast the contraction runs in autocast's type; gradients come in the type of what they
    belong to.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    if not lowers(geometry):
        raise NotImplementedError(f"cells span several groups: {geometry}")
    low = lower(geometry, tuple(x.shape[2:]))
    task = _Task(low, order, product_type(x), kept_bytes(x.device))
    with _autocast_off(x):
        y: Tensor = _Contract.apply(x, alpha, cells, task)
        return y
