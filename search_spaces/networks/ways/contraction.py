"""One differentiable function for every order of contraction.

Only input, attention and cells are kept for the backward pass; patches and whatever an order forms
in between are formed again there.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.lowering import Lowering, lower, lowers

Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]


class Order(Protocol):
    """An order of contracting P ``[Q, H, J, D]``, A ``[Q, p, J, N]`` and C ``[N, a, D]``."""

    def forward(self, patches: Tensor, rows: Tensor, cells: Tensor) -> Tensor:
        """Y ``[Q, H, p, a]``."""
        ...

    def backward(
        self,
        patches: Tensor,
        rows: Tensor,
        cells: Tensor,
        grad: Tensor,
        needs: tuple[bool, bool, bool],
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
    saved_tensors: tuple[Tensor, Tensor, Tensor]
    needs_input_grad: tuple[bool, bool, bool, bool]

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _Contract(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, x: Tensor, alpha: Tensor, cells: Tensor, task: _Task) -> Tensor:
        ctx.save_for_backward(x, alpha, cells)
        ctx.task = task
        low = task.lowering
        y = task.order.forward(
            low.patches(x, task.dtype), low.attention(alpha.to(task.dtype)), low.cells(cells)
        )
        return low.output(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, alpha, cells = ctx.saved_tensors
        task, low, needs = ctx.task, ctx.task.lowering, ctx.needs_input_grad
        dp, da, dc = task.order.backward(
            low.patches(x, task.dtype),
            low.attention(alpha.to(task.dtype)),
            low.cells(cells),
            low.output_back(grad, task.dtype),
            (needs[0], needs[1], needs[2]),
        )
        return (
            None if dp is None else low.fold(dp, x).to(x.dtype),
            None if da is None else low.attention_back(da, alpha).to(alpha.dtype),
            None if dc is None else low.cells_back(dc, cells).to(cells.dtype),
            None,
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
    kind = x.device.type
    active = torch.is_autocast_enabled(kind)
    dtype = torch.get_autocast_dtype(kind) if active else x.dtype
    with torch.autocast(kind, enabled=False):
        task = _Task(lower(geometry, tuple(x.shape[2:])), order, dtype)
        y: Tensor = _Contract.apply(x, alpha, cells, task)
        return y
