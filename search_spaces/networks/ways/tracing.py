"""What stays outside compiled graphs."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def eager(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` as it is when a compiled module calls it: the graph breaks there."""
    outside: Callable[P, R] = torch.compiler.disable(function)  # type: ignore[no-untyped-call]  # torch left it untyped
    return outside
