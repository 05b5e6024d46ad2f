"""When torch's own operations must be seen, and what stays outside compiled graphs."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch.autograd import forward_ad

P = ParamSpec("P")
R = TypeVar("R")


def eager(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` as it is when a compiled module calls it: the graph breaks there."""
    outside: Callable[P, R] = torch.compiler.disable(  # type: ignore[no-untyped-call]  # torch left it untyped
        function,
        reason="KernelWarehouse layers run outside compiled graphs; compile without fullgraph=True",
    )
    return outside


def plain_operations() -> bool:
    """Whether somebody wants to see torch's own operations alone.

    That is so while a network is exported (`torch.export`, ONNX) or traced (`torch.jit.trace`,
    `make_fx`), inside transforms (`torch.func`, forward-mode gradients), and under dispatch modes
    (flop counters, fake tensors). Not so inside `torch.compile`, which leaves the operator out.
    """
    if torch.compiler.is_compiling():
        return torch.compiler.is_exporting()
    return (
        torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]  # torch left it untyped
        or torch._C._are_functorch_transforms_active()  # noqa: SLF001 - what torch's own functions ask
        or torch._C._len_torch_dispatch_stack() > 0  # noqa: SLF001 - likewise
        or forward_ad._current_level >= 0  # noqa: SLF001 - likewise
    )
