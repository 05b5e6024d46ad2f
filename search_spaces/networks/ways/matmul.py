"""Matrix products in the shape that the library at hand computes fastest.

On a CPU torch multiplies float32 matrices with a BLAS whose kernels lose up to half their speed on
a narrow product with a long inner axis (72 x 16384 times 16384 x 47: 20 against 43 GMAC/s on one
core of an AMD EPYC) and on one with few rows (64 x 512 times 512 x 13824: 29 against 42); torch's
other library, oneDNN, does not. On one with AVX-512 oneDNN is the faster one for large products too
(1024-cubed: 50 against 110), and the slower one for fewer than 16 rows. On an Intel Xeon it is as
fast where both matrices lie as it wants them, and else up to 2.7 times as slow. It takes dense
matrices and their transposes; a slice of columns meets unoptimised code, a thousand times slower.

A product of a few rows with many is bound by reading these, and slowed down where they lie a power
of two apart: values of one column have few places in a cache. Both libraries walk down whole
columns. So such products are made of some rows at a time, and added up.
"""

from functools import lru_cache

import torch
from torch import Tensor

from search_spaces.latency import processor

ROWS = 16
"""Rows from which on oneDNN multiplies with a large matrix faster than the BLAS does, where that is
MKL on a processor of AMD."""

INNER = 24
"""Length of the inner axis from which on it does so."""

MUCH = 5 * 2**20
"""Multiplications from which on it does so; below, starting it costs more."""

DEEP = 48
"""Length of the inner axis from which on a product of a few rows is made in pieces."""

DEPTH = 32
"""Length of a piece."""

COLUMNS = 2**14
"""Columns of a piece: its sums stay in cache."""

SPILLED = 2**22
"""Values of the large matrix from which on it does not stay in a core's cache."""

CACHED = 2**18
"""Values that stay in cache between being widened and being read."""

LARGE = 2**20
"""Multiplications from which on a call for each matrix costs less than the slower library."""


def times_transposed(left: Tensor, right: Tensor) -> Tensor:
    """``left @ right.mT`` for dense ``[m, k]`` and ``[n, k]``; without gradient."""
    if left.dtype == torch.float32 and left.device.type == "cpu" and _onednn():
        product: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, None, "none", [], "")  # noqa: SLF001 - the only door to oneDNN's float32 product
        return product
    return torch.mm(left, right.mT)


def times(left: Tensor, right: Tensor) -> Tensor:
    """``left @ right`` for dense ``[m, k]`` and a large ``[k, n]``; without gradient."""
    rows, inner = left.shape
    if right.device.type == "cpu" and in_pieces(rows, inner, right.shape[1]):
        return _times_in_pieces(left, right)
    if rows < ROWS or inner < INNER or rows * right.numel() < MUCH or not _slow_blas():
        return torch.mm(left, right)
    return times_transposed(left, right.contiguous().mT)


def in_pieces(rows: int, inner: int, columns: int) -> bool:
    """Whether `times` makes ``[rows, inner] @ [inner, columns]`` of pieces, on a CPU.

    One row is read at full speed as it is.
    """
    return 1 < rows < ROWS and inner >= DEEP and inner * columns >= SPILLED


def _times_in_pieces(left: Tensor, right: Tensor) -> Tensor:
    width = right.shape[1]
    product = left.new_empty(len(left), width)
    for start in range(0, width, COLUMNS):
        columns = slice(start, start + COLUMNS)
        _add_up(product[:, columns], left, right[:, columns], DEPTH)
    return product


def _add_up(into: Tensor, left: Tensor, right: Tensor, depth: int) -> None:
    """Write ``left @ right`` to ``into``, made of pieces of the inner axis."""
    for at in range(0, left.shape[-1], depth):
        some = slice(at, at + depth)
        add_product(into, left[..., some], right[..., some, :], first=at == 0)


def times_laid_out(left: Tensor, right: Tensor) -> Tensor:
    """``left`` ``[p, j, n]`` times ``right`` ``[n, a, d]``, as ``[p, a, j, d]``; without gradient.

    One product for each a writes its numbers where they belong. Made in one, they would be copied
    there afterwards, which takes about as long.
    """
    (p, j, n), (_, a, d) = left.shape, right.shape
    if j == 1 or left.device.type != "cpu" or (p > 1 and right.numel() >= SPILLED):
        product = times(left.flatten(0, 1), right.reshape(n, -1))
        return product.view(p, j, a, d).transpose(1, 2)
    product = left.new_empty(p, a, j, d)
    depth = DEPTH if in_pieces(j, n, a * d) else n
    for rows, into in zip(left, product, strict=True):
        _add_up(into, rows.expand(a, -1, -1), right.transpose(0, 1), depth)
    return product


def times_widened(left: Tensor, right: Tensor) -> Tensor:
    """`times` for ``right`` of a narrower type, a few columns at a time; without gradient."""
    product = left.new_empty(len(left), right.shape[1])
    step = max(1, CACHED // len(right))
    for at in range(0, right.shape[1], step):
        columns = slice(at, at + step)
        product[:, columns] = times(left, right[:, columns].to(left.dtype))
    return product


def times_each(left: Tensor, right: Tensor) -> Tensor:
    """``left @ right.mT`` for dense batches ``[b, m, k]`` and ``[b, n, k]``; without gradient."""
    if left.dtype != torch.float32 or left.shape[1] * right[0].numel() < LARGE:
        return torch.bmm(left, right.mT)
    if len(left) == 1:
        return times_transposed(left[0], right[0]).unsqueeze(0)
    return torch.stack([times_transposed(*pair) for pair in zip(left, right, strict=True)])


@lru_cache
def _slow_blas() -> bool:
    """Whether torch's BLAS does not use what the processor has: MKL on AMD's."""
    return "AMD" in processor() and torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]  # torch left it untyped


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
