"""Matrix products in the shape that the library at hand computes fastest.

On a CPU torch multiplies float32 matrices with a BLAS whose kernels lose up to half their speed on
a narrow product with a long inner axis (72 x 16384 times 16384 x 47: 20 against 43 GMAC/s on one
core of an AMD EPYC) and on one with few rows (64 x 512 times 512 x 13824: 29 against 42); torch's
other library, oneDNN, does not.
"""

import torch
from torch import Tensor


def times_transposed(left: Tensor, right: Tensor) -> Tensor:
    """``left @ right.mT`` for dense ``[m, k]`` and ``[n, k]``; without gradient."""
    if left.dtype == torch.float32 and left.device.type == "cpu" and _onednn():
        product: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, None, "none", [], "")  # noqa: SLF001 - the only door to oneDNN's float32 product
        return product
    return torch.mm(left, right.mT)


def _onednn() -> bool:
    return hasattr(torch.ops.mkldnn, "_linear_pointwise")


def sum_type(dtype: torch.dtype) -> torch.dtype:
    """Type in which several products are added up: half types go to single precision."""
    return torch.promote_types(dtype, torch.float32)


def add_product(into: Tensor, left: Tensor, right: Tensor, *, first: bool = False) -> None:
    """Add ``left @ right`` to ``into``, whose type may be wider, or write it there ``first``.

    All three are matrices, or batches of matrices.
    """
    multiply = torch.mm if into.ndim == 2 else torch.bmm  # noqa: PLR2004 - a matrix has two axes
    if into.dtype != left.dtype:
        product = multiply(left, right)
        into.copy_(product) if first else into.add_(product)
    elif first:
        multiply(left, right, out=into)
    elif into.ndim == 2:  # noqa: PLR2004 - likewise
        into.addmm_(left, right)
    else:
        into.baddbmm_(left, right)
