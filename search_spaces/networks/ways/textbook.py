"""The reference way: assemble one kernel a sample, then one convolution with batch x groups groups.

Axes: B batch, I channels in, O channels out, N cells, M mixtures = (s kernel positions) x (p output
blocks) x (q input blocks); a cell is [a, c, *cell kernel], so that O = p a and I / groups = q c.
"""

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.networks.geometry import Geometry

CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
"""torch's convolution by its number of spatial axes."""


def assemble(alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Lay out the kernels of a batch (Li and Yao, arXiv 2308.08361, section 3.1).

    Args:
        alpha: ``[B, M, N]``.
        cells: ``[N, cell_out, cell_in, *cell_kernel]``.
        geometry: sizes of the layer.

    Returns:
        ``[B, O, I / groups, *kernel]``.
    """
    _, p, q = geometry.blocks
    a, c = geometry.cell_out, geometry.cell_in
    mixed = torch.matmul(alpha, cells.flatten(1))
    # [B, position, p, q, a, c, point of a cell]: one of position and point has length 1
    pieces = mixed.reshape(-1, geometry.blocks[0], p, q, a, c, prod(geometry.cell_kernel))
    kernels = pieces.permute(0, 2, 4, 3, 5, 1, 6)
    return kernels.reshape(-1, p * a, q * c, *geometry.kernel)


def padded(x: Tensor, geometry: Geometry) -> Tensor:
    """The input with its edges, which the library adds by itself where all are alike."""
    if geometry.even_padding is not None:
        return x
    return F.pad(x, [edge for pair in reversed(geometry.padding) for edge in pair])


def convolved(x: Tensor, kernels: Tensor, geometry: Geometry, samples: int = 1) -> Tensor:
    """The library's convolution of what `padded` gave.

    Args:
        x: ``[1, samples * I, *spatial]``.
        kernels: ``[samples * O, I / groups, *kernel]``.
        geometry: sizes of the layer.
        samples: how many, side by side as groups.

    Returns:
        ``[1, samples * O, *out]``.
    """
    y: Tensor = CONVOLVE[geometry.dims](
        x,
        kernels,
        None,
        geometry.stride,
        geometry.even_padding or (0,) * geometry.dims,
        geometry.dilation,
        samples * geometry.groups,
    )
    return y


def textbook(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Compute the convolution as the paper writes it; shapes in `search_spaces.networks.ways`."""
    kernels = assemble(alpha, cells, geometry).flatten(0, 1)
    x = padded(x, geometry)
    batch = x.shape[0]
    # a view of one sample would not be known as channels last any more, and be copied
    images = x if batch == 1 else x.flatten(0, 1).unsqueeze(0)
    y = convolved(images, kernels, geometry, batch)
    return y.reshape(batch, geometry.out_channels, *y.shape[2:])
