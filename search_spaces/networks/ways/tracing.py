"""When a network runs to be recorded or transformed, and what stays outside compiled graphs."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def recorded() -> bool:
    """Whether a graph is being written: by `torch.export`, `torch.onnx` or `torch.jit.trace`."""
    return torch.compiler.is_exporting() or for_any_batch()


def for_any_batch() -> bool:
    """Whether that graph cannot have as many groups as the batch has samples."""
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]  # torch left it untyped
    return tracing or torch.onnx.is_in_onnx_export()


def transformed() -> bool:
    """Whether a transform of `torch.func` (``grad``, ``vmap``, ``jvp`` ...) is at work."""
    return torch._C._are_functorch_transforms_active()  # noqa: SLF001 - torch offers no public reading


def eager(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` as it is when a compiled module calls it: the graph breaks there."""
    outside: Callable[P, R] = torch.compiler.disable(function)  # type: ignore[no-untyped-call]  # torch left it untyped
    return outside
