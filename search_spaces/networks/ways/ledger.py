"""One gradient buffer for all layers that share a warehouse.

Autograd would have each layer allocate a gradient as large as the warehouse and add them up one
after the other; for late stages that traffic costs as much as the arithmetic. Layers that took
their cells through `shared` write into one buffer instead and report no gradient of their own; the
node of `shared`, which autograd runs after all of them, hands the buffer on, together with whatever
gradient came the usual way.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.weak import TensorWeakRef, WeakIdKeyDictionary


class Ledger:
    """The buffer of one forward pass; a backward pass that was broken off leaves nothing behind."""

    __slots__ = ("_pass", "_total")

    def __init__(self) -> None:
        self._pass = -1
        self._total: Tensor | None = None

    def open(self, like: Tensor) -> tuple[Tensor, bool]:
        """The buffer of the present backward pass, shaped like the cells; whether it is new."""
        now = _backward_pass()
        new = self._total is None or self._pass != now
        if new:
            self._pass = now
            self._total = torch.empty_like(like, memory_format=torch.contiguous_format)
        if self._total is None:
            raise AssertionError(self._pass)
        return self._total, new

    def close(self) -> Tensor | None:
        """Take the buffer out, if this backward pass filled it."""
        total = self._total if self._pass == _backward_pass() else None
        self._total = None
        return total


def _backward_pass() -> int:
    number: int = torch._C._current_graph_task_id()  # noqa: SLF001 - torch's only name for a backward pass
    return number


class _Context(Protocol):
    ledger: Ledger

    def set_materialize_grads(self, value: bool) -> None: ...  # noqa: FBT001 - the signature is torch's


class _Share(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, cells: Tensor, ledger: Ledger) -> Tensor:
        ctx.ledger = ledger
        ctx.set_materialize_grads(False)
        return cells.detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor | None) -> tuple[Tensor | None, None]:
        total = ctx.ledger.close()
        if total is None or grad is None:
            return (grad if total is None else total), None
        return total.add_(grad), None


_alive = WeakIdKeyDictionary()
"""Parameter -> weak reference to what `shared` made of it, alive as long as a graph needs it."""


def shared(cells: Tensor) -> Tensor:
    """The cells of a warehouse, for one of the layers that it serves; values are the same.

    All layers of one forward pass get the same tensor, and with it one gradient buffer. Without
    gradient, and while a network is traced, the cells come back as they are.
    """
    if torch.compiler.is_compiling() or not (torch.is_grad_enabled() and cells.requires_grad):
        return cells
    found: TensorWeakRef | None = _alive.get(cells)  # type: ignore[no-untyped-call]  # torch left it untyped
    tensor: Tensor | None = found() if found is not None else None
    if tensor is None or tensor.data_ptr() != cells.data_ptr() or tensor.dtype != cells.dtype:
        ledger = Ledger()
        tensor = _Share.apply(cells, ledger)
        tensor.__dict__["ledger"] = ledger
        _alive[cells] = TensorWeakRef(tensor)
    return tensor


def ledger_of(cells: Tensor) -> Ledger | None:
    """The ledger of cells that came through `shared`, or of a view of all of them."""
    origin = cells if cells._base is None else cells._base  # noqa: SLF001 - torch documents it, without a public name
    found = origin.__dict__.get("ledger")
    whole = origin.numel() == cells.numel() and cells.is_contiguous() and origin.is_contiguous()
    return found if isinstance(found, Ledger) and whole else None
