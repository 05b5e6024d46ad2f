"""How much memory a way may use for what it forms in between: a bound in bytes.

On a CPU the bound is about what stays in cache between being written and being read; on an
accelerator it only keeps peak memory in check.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

CPU_BYTES = 4 * 2**20
ACCELERATOR_BYTES = 512 * 2**20

_bound: ContextVar[int | None] = ContextVar("scratch_bytes", default=None)


def scratch_bytes(device: torch.device) -> int:
    """The bound that holds now on ``device``."""
    default = CPU_BYTES if device.type == "cpu" else ACCELERATOR_BYTES
    return _bound.get() or default


@contextmanager
def scratch_limit(size: int) -> Iterator[None]:
    """Set the bound, in bytes, for ways called (not: differentiated) inside."""
    token = _bound.set(size)
    try:
        yield
    finally:
        _bound.reset(token)
