"""How much memory a way may use for what it forms in between: bounds in bytes.

*Scratch* holds what is formed and used up at once: on a CPU about what stays in cache between being
written and being read, on an accelerator only a check on peak memory. *Kept* is what one layer may
keep from the forward pass for the backward pass beside its inputs.

On a CPU fresh memory costs: the system clears every page at its first touch, which takes longer
than the arithmetic on it. So scratch is taken from buffers that each thread keeps.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod

import torch
from torch import Tensor

SCRATCH = {"cpu": 4 * 2**20}
KEPT = {"cpu": 64 * 2**20}
ACCELERATOR_SCRATCH = 512 * 2**20
ACCELERATOR_KEPT = 512 * 2**20

_bounds: ContextVar[tuple[int | None, int | None]] = ContextVar("bounds", default=(None, None))


def scratch_bytes(device: torch.device) -> int:
    """The bound on scratch that holds now on ``device``."""
    bound = _bounds.get()[0]
    return SCRATCH.get(device.type, ACCELERATOR_SCRATCH) if bound is None else bound


def kept_bytes(device: torch.device) -> int:
    """The bound on what a layer keeps that holds now on ``device``."""
    bound = _bounds.get()[1]
    return KEPT.get(device.type, ACCELERATOR_KEPT) if bound is None else bound


@contextmanager
def memory_limits(*, scratch: int | None = None, kept: int | None = None) -> Iterator[None]:
    """Set the bounds, in bytes, for forward passes inside; None leaves the device's own."""
    token = _bounds.set((scratch, kept))
    try:
        yield
    finally:
        _bounds.reset(token)


class _Buffers(threading.local):
    def __init__(self) -> None:
        self.kept: dict[tuple[str, torch.dtype], Tensor] = {}


_buffers = _Buffers()


def scratch(name: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Memory of the type and on the device of ``like``, its values undefined.

    On a CPU it is the same memory for every call with that name and type in this thread, so it must
    be used up before the next one.
    """
    if like.device.type != "cpu":
        return like.new_empty(shape)
    size, key = prod(shape), (name, like.dtype)
    buffer = _buffers.kept.get(key)
    if buffer is None or buffer.numel() < size:
        with torch.inference_mode(mode=False):
            buffer = torch.empty(size, dtype=like.dtype)
        _buffers.kept[key] = buffer
    return buffer[:size].view(shape)
