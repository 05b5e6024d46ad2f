"""Matrix products in the shape that the library at hand computes fastest.

On a CPU torch multiplies float32 matrices with a BLAS whose kernels lose up to half their speed on
a long inner axis with a narrow, odd outer one (63 x 16384 times 16384 x 47: 21 against 42 GMAC/s on
one core of an AMD EPYC); torch's other library, oneDNN, does not.
"""

import torch
from torch import Tensor

LANES = 16
"""Widths are rounded up to a multiple of this; 16 float32 fill a 512-bit register."""

LONG = 8
"""How many times longer than both outer axes an inner axis must be to count as long."""


def times_transposed(left: Tensor, right: Tensor) -> Tensor:
    """``left @ right.mT`` for dense ``[m, k]`` and ``[n, k]``, k being long; without gradient."""
    if left.dtype == torch.float32 and left.device.type == "cpu" and _onednn():
        product: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, None, "none", [], "")  # noqa: SLF001 - the only door to oneDNN's float32 product
        return product
    return torch.mm(left, right.mT)


def _onednn() -> bool:
    return hasattr(torch.ops.mkldnn, "_linear_pointwise")


def rounded(width: int) -> int:
    """``width``, rounded up to whole registers."""
    return -(-width // LANES) * LANES


def sum_type(like: Tensor) -> torch.dtype:
    """Type in which several products are added up: half types go to single precision."""
    return torch.promote_types(like.dtype, torch.float32)


def add_product(into: Tensor, left: Tensor, right: Tensor) -> None:
    """Add ``left @ right`` to the matrix ``into``, whose type may be wider."""
    if into.dtype == left.dtype:
        into.addmm_(left, right)
    else:
        into.add_(torch.mm(left, right))
