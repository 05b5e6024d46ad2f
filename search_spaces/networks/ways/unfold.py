"""The reference way as a product of matrices, for graphs that must serve every batch size.

Runtimes that read exported graphs fix the groups of a convolution when the graph is written, so
these cannot be as many as a batch has samples. This way is for such graphs, not for training: it
keeps all patches, so the choosers never take it by themselves.

Axes: B batch, G groups, I channels in, O channels out, K kernel positions, H output positions.
"""

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.textbook import assemble


def unfold(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Multiply one kernel a sample with its patches; shapes in `search_spaces.networks.ways`.

    Kernels are ``[B, G, O / G, I / G * K]``, patches ``[B, G, I / G * K, H]``.
    """
    depth = geometry.in_channels // geometry.groups * prod(geometry.kernel)
    kernels = assemble(alpha, cells, geometry)
    kernels = kernels.reshape(-1, geometry.groups, geometry.out_channels // geometry.groups, depth)
    y = torch.matmul(kernels, _patches(x, geometry))
    return y.reshape(-1, geometry.out_channels, *geometry.out_size(tuple(x.shape[2:])))


def _patches(x: Tensor, geometry: Geometry) -> Tensor:
    """``[B, I, *spatial]`` -> ``[B, G, I / G * K, H]``: one selection an axis."""
    outs = geometry.out_size(tuple(x.shape[2:]))
    read = F.pad(x, [edge for pair in reversed(geometry.padding) for edge in pair])
    for axis, (size, out) in enumerate(zip(geometry.kernel, outs, strict=True)):
        # arithmetic on the size, not a list of it, keeps height and width free in a graph
        points = torch.arange(size, device=x.device) * geometry.dilation[axis]
        at = points.unsqueeze(1) + torch.arange(out, device=x.device) * geometry.stride[axis]
        read = read.index_select(2 + axis, at.flatten())
    pairs = [edge for pair in zip(geometry.kernel, outs, strict=True) for edge in pair]
    last = 2 + 2 * geometry.dims
    patches = read.reshape(-1, geometry.in_channels, *pairs).permute(
        0, 1, *range(2, last, 2), *range(3, last, 2)
    )
    return patches.reshape(x.shape[0], geometry.groups, -1, prod(outs))
