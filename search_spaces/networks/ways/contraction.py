"""The differentiable function around the three orders of contraction.

An order multiplies tensors; this file does what all orders need around that. It brings input,
attention and cells to the shapes of `search_spaces.networks.ways.lowering`, calls the order, and
tells autograd the gradients. Input, attention and cells are kept for the backward pass. An order
may keep what it formed in between, within a bound in bytes; otherwise it forms that again.

A gradient that is itself differentiated (``create_graph=True``) is taken through
`search_spaces.networks.ways.unfold`, which consists of torch's own operations.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.ledger import Ledger, ledger_of
from search_spaces.networks.ways.lowering import Lowering, lower, lowers
from search_spaces.networks.ways.matmul import sum_type
from search_spaces.networks.ways.tracing import eager
from search_spaces.networks.ways.unfold import unfold

Kept = tuple[Tensor, ...]


class Operands(NamedTuple):
    """The three tensors that are contracted, all of one type.

    Attributes:
        low: the layer's sizes.
        x: input X ``[B, *spatial, I]``, of which patches are read.
        rows: attention A ``[Q, p, J, N]``.
        cells: C ``[N, a, D]``.
    """

    low: Lowering
    x: Tensor
    rows: Tensor
    cells: Tensor


class Room(NamedTuple):
    """Where an order puts the gradient of C.

    Attributes:
        total: ``[N, a, D]``, to which the gradient is added.
        new: whether ``total`` holds nothing yet, so that the gradient is written instead.
    """

    total: Tensor
    new: bool


class Order(Protocol):
    """One order of contracting the three operands. Orders keep no state between calls."""

    def forward(self, operands: Operands) -> tuple[Tensor, Kept]:
        """Compute Y ``[Q, H, p, a]``; return with it the tensors to keep for `backward`."""
        ...

    def backward(
        self,
        operands: Operands,
        grad: Tensor,
        needs: tuple[bool, bool],
        room: Room | None,
        kept: Kept,
    ) -> tuple[Tensor | None, Tensor | None]:
        """Compute the gradients, given that of Y.

        Args:
            operands: as in the forward pass.
            grad: gradient of Y ``[Q, H, p, a]``.
            needs: whether the gradients of X and of A are wanted.
            room: where the gradient of C goes; None if it is not wanted.
            kept: what `forward` kept.

        Returns:
            The gradients of X and of A; None for one that is not wanted.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Task:
    """What both passes of a layer need beside tensors."""

    lowering: Lowering
    order: Order
    dtype: torch.dtype

    def operands(self, x: Tensor, alpha: Tensor, cells: Tensor) -> Operands:
        low = self.lowering
        return Operands(
            low,
            low.channels_last(x, self.dtype),
            low.attention(alpha.to(self.dtype)),
            low.cells(cells).to(self.dtype),
        )


class _Context(Protocol):
    """What autograd carries from the forward to the backward pass."""

    task: _Task
    ledger: Ledger | None
    saved_tensors: tuple[Tensor, ...]
    needs_input_grad: tuple[bool, bool, bool, bool]

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _Contract(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, x: Tensor, alpha: Tensor, cells: Tensor, task: _Task) -> Tensor:
        y, kept = task.order.forward(task.operands(x, alpha, cells))
        ctx.task = task
        # taken here: the cells that the backward pass gets may be another tensor (checkpointing)
        ctx.ledger = None if task.lowering.whole else ledger_of(cells)
        ctx.save_for_backward(x, alpha, cells, *kept)
        return task.lowering.output(y)

    @staticmethod
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, alpha, cells, *kept = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _differentiable(ctx, (x, alpha, cells), grad)
        low, dtype = ctx.task.lowering, ctx.task.dtype
        total = _Total(cells, ctx) if ctx.needs_input_grad[2] else None
        with _autocast_off(x):
            dx, rows = ctx.task.order.backward(
                ctx.task.operands(x, alpha, cells),
                low.output_back(grad, dtype),
                ctx.needs_input_grad[:2],
                None if total is None else total.room,
                tuple(kept),
            )
        return (
            None if dx is None else dx.movedim(-1, 1).to(x.dtype),
            None if rows is None else low.attention_back(rows, alpha).to(alpha.dtype),
            None if total is None else total.gradient(),
            None,
        )


def _differentiable(
    ctx: _Context, inputs: tuple[Tensor, Tensor, Tensor], grad: Tensor
) -> tuple[Tensor | None, ...]:
    """Gradients with a graph of their own."""
    # Attention depends on the input: views keep the derivative by one apart from that by the other.
    apart = [tensor.view_as(tensor) for tensor in inputs]
    wanted = [t for t, needed in zip(apart, ctx.needs_input_grad, strict=False) if needed]
    with _autocast_off(inputs[0]):
        x, alpha, cells = (tensor.to(ctx.task.dtype) for tensor in apart)
        y = unfold(x, alpha, cells, ctx.task.lowering.geometry)
        found = iter(torch.autograd.grad(y, wanted, grad.to(y.dtype), create_graph=True))
    return (*(next(found) if needed else None for needed in ctx.needs_input_grad[:3]), None)


class _Total:
    """The gradient of the cells, in a buffer that several layers share or in one of its own."""

    def __init__(self, cells: Tensor, ctx: _Context) -> None:
        self._cells, self._low = cells, ctx.task.lowering
        opened = None if ctx.ledger is None else ctx.ledger.open(cells)
        self._shared = opened is not None
        if opened is not None:
            total, new = opened
            self.room = Room(self._low.cells(total), new)
        else:
            shape, dtype = self._low.cells(cells).shape, sum_type(ctx.task.dtype)
            self.room = Room(cells.new_empty(shape, dtype=dtype), new=True)

    def gradient(self) -> Tensor | None:
        """What this layer reports to autograd."""
        if self._shared:
            return None
        return self._low.cells_back(self.room.total, self._cells).to(self._cells.dtype)


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

    Under autocast the products are computed in autocast's type. Each gradient has the type of the
    tensor that it is the gradient of.

    Raises:
        NotImplementedError: a cell of this geometry spans several groups.
    """
    if not lowers(geometry):
        raise NotImplementedError(f"cells span several groups: {geometry}")
    task = _Task(lower(geometry, tuple(x.shape[2:])), order, product_type(x))
    with _autocast_off(x):
        y: Tensor = _Contract.apply(x, alpha, cells, task)
        return y


def parts(batch: int, most: int) -> Iterator[slice]:
    """Slices of the batch, each of at most ``most`` samples.

    All but the last are equal, of an even number of samples where ``most`` allows it, so that two
    cores share a slice evenly.
    """
    count = -(-batch // max(1, most))
    size = -(-batch // count)
    size += size % 2 if size < most else 0
    for low in range(0, batch, size):
        yield slice(low, min(low + size, batch))
