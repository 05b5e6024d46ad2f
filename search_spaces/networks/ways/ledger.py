"""One gradient buffer for all layers that share a warehouse.

Autograd would have each layer allocate a gradient as large as the warehouse and add them up one
after the other; for late stages that traffic costs as much as the arithmetic. Layers that took
their cells through `shared` write into one buffer instead and report no gradient of their own; the
node of `shared`, which autograd runs after all of them, hands the buffer on, together with whatever
gradient came the usual way.

Several backward passes may be under way in one graph: one inside another (reentrant checkpointing,
a hook that differentiates), or one in each of several threads. Each has a buffer of its own, found
by the number that autograd gives the pass.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.variable import Variable
from torch.utils.weak import TensorWeakRef, WeakIdKeyDictionary

from search_spaces.networks.ways.tracing import recorded, transformed


class Ledger:
    """The buffers of one forward pass, one for each backward pass that is under way."""

    __slots__ = ("_totals",)

    def __init__(self) -> None:
        self._totals: dict[int, Tensor] = {}

    def open(self, like: Tensor) -> tuple[Tensor, bool]:
        """The buffer of the present backward pass, shaped like the cells; whether it is new."""
        now = _backward_pass()
        found = self._totals.get(now)
        if found is not None:
            return found, False
        made = torch.empty_like(like, memory_format=torch.contiguous_format)
        self._totals[now] = made
        # A pass that does not reach the cells' node leaves its buffer behind: it goes at the end.
        Variable._execution_engine.queue_callback(lambda: self._drop(now))  # noqa: SLF001 - torch's only name for it
        return made, True

    def close(self) -> Tensor | None:
        """Take the buffer out, if this backward pass filled one."""
        return self._totals.pop(_backward_pass(), None)

    def _drop(self, number: int) -> None:
        self._totals.pop(number, None)


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
    gradient, and while a network is recorded or transformed, the cells come back as they are.
    """
    if torch.compiler.is_compiling() or recorded() or transformed():
        return cells
    if not (torch.is_grad_enabled() and cells.requires_grad):
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
