"""Memory that a training step frees stays with the process, for the next step.

A step forms and frees the same tensors as the one before. glibc gives large freed blocks back to
the system, which clears every page when it is touched again: in a step of ResNet-18 at 32 pixels
some 20,000 pages of 4 KiB.
"""

import ctypes
import sys
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of glibc's settings (mallopt(3))."""

KEPT = 2**30
"""Freed bytes at the end of the heap that the process keeps."""

SMALL = 32 * 2**20
"""Blocks up to this many bytes, the most that glibc allows, come from the heap."""


@cache
def keep_freed_memory() -> bool:
    """Have this process keep freed memory, once for all; whether its C library could be told to."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(TRIM_THRESHOLD, KEPT)) and bool(mallopt(MMAP_THRESHOLD, SMALL))
