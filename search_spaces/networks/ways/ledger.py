"""One gradient buffer for all layers that share a warehouse, in each backward pass.

Autograd would have each layer allocate a gradient as large as the warehouse and add them up one
after the other; for late stages that traffic costs as much as the arithmetic. Layers that took
their cells through `shared` write into one buffer instead and report no gradient of their own. The
node of `shared`, which autograd runs after all of them, hands the buffer on, together with whatever
gradient came the usual way.

Backward passes may run inside one another (`torch.utils.checkpoint`, hooks) and side by side (in
threads), through the same node. Each has a number and so a buffer of its own, which torch keeps as
long as the pass runs, however it ends. Where torch gives no number, layers report their gradients
the usual way.
"""

from typing import Protocol
from weakref import WeakValueDictionary

import torch
from torch import Tensor
from torch.utils.weak import TensorWeakRef, WeakIdKeyDictionary

from search_spaces.networks.ways.tracing import plain_operations


class _Buffer:
    """A gradient in the making. A backward pass holds it as one of its callbacks."""

    def __init__(self, like: Tensor) -> None:
        self._total = [torch.empty_like(like, memory_format=torch.contiguous_format)]

    def __call__(self) -> None:
        """Do nothing: being held is all that is asked of it."""

    @property
    def total(self) -> Tensor:
        """The gradient so far."""
        return self._total[0]

    def take(self) -> Tensor:
        """Let go of the gradient, so that autograd need not copy it."""
        return self._total.pop()


class Ledger:
    """The buffers of one forward pass's cells, by the backward passes that fill them."""

    __slots__ = ("_buffers",)

    def __init__(self) -> None:
        self._buffers: WeakValueDictionary[int, _Buffer] = WeakValueDictionary()

    def open(self, like: Tensor) -> tuple[Tensor, bool] | None:
        """The buffer of the present backward pass, shaped like the cells, and whether it is new.

        None if the pass is not known: then there is no buffer.
        """
        now = _backward_pass()
        if now < 0:
            return None
        found = self._buffers.get(now)
        if found is not None:
            return found.total, False
        buffer = _Buffer(like)
        torch.autograd.Variable._execution_engine.queue_callback(buffer)  # noqa: SLF001 - torch's only way to attach something to a backward pass
        self._buffers[now] = buffer
        return buffer.total, True

    def close(self) -> Tensor | None:
        """Take the present backward pass's buffer out, if it filled one."""
        found = self._buffers.pop(_backward_pass(), None)
        return None if found is None else found.take()


def _backward_pass() -> int:
    """The number of the backward pass that this thread is in; -1 outside, or if torch has none."""
    number = getattr(torch._C, "_current_graph_task_id", None)  # noqa: SLF001 - torch's only name for a backward pass
    return -1 if number is None else int(number())


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
    gradient, and while a network is traced or transformed, the cells come back as they are.
    """
    if torch.compiler.is_compiling() or plain_operations():
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
