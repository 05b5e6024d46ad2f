"""One differentiable function for every order of contraction.

Input, attention and cells are kept for the backward pass; patches are formed again there, and so is
whatever an order forms in between, unless the order keeps it.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.lowering import Lowering, lower, lowers

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


class _Context(Protocol):
    """What autograd hands from forward to backward."""

    task: _Task
    saved_tensors: tuple[Tensor, ...]
    needs_input_grad: tuple[bool, bool, bool, bool]

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _Contract(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, x: Tensor, alpha: Tensor, cells: Tensor, task: _Task) -> Tensor:
        ctx.task = task
        low = task.lowering
        y, kept = task.order.forward(_operands(x, alpha, cells, task))
        ctx.save_for_backward(x, alpha, cells, *kept)
        return low.output(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, alpha, cells, *kept = ctx.saved_tensors
        task, low, needs = ctx.task, ctx.task.lowering, ctx.needs_input_grad
        dp, da, dc = task.order.backward(
            _operands(x, alpha, cells, task),
            low.output_back(grad, task.dtype),
            (needs[0], needs[1], needs[2]),
            tuple(kept),
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


def _operands(x: Tensor, alpha: Tensor, cells: Tensor, task: _Task) -> Operands:
    low = task.lowering
    return Operands(
        low.patches(x, task.dtype), low.attention(alpha.to(task.dtype)), low.cells(cells)
    )


def contract(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry, order: Order) -> Tensor:
    """Compute a layer by contracting in ``order``; shapes in `search_spaces.networks.ways`.

    Under autocast the contraction runs in autocast's type; gradients come in the type of what they
    belong to.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    if not lowers(geometry):
        raise NotImplementedError(f"cells span several groups: {geometry}")
    task = _Task(lower(geometry, tuple(x.shape[2:])), order, product_type(x))
    with torch.autocast(x.device.type, enabled=False) if autocasts(x) else nullcontext():
        y: Tensor = _Contract.apply(x, alpha, cells, task)
        return y
