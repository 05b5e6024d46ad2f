"""The reference way as a product of matrices, for those who look at the operations.

It consists of few of torch's own operations, of sizes that may stay unknown: for exporters, which
fix the groups of a convolution when a graph is written, so that these cannot be as many as a batch
has samples; for transforms and gradients of gradients; for counters. It keeps all patches, so the
choosers never take it by themselves.

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
    g = geometry
    kernels = assemble(alpha, cells, g)
    kernels = kernels.reshape(-1, g.groups, g.out_channels // g.groups, _depth(g))
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
    return patches.reshape(x.shape[0], geometry.groups, _depth(geometry), prod(outs))


def _depth(geometry: Geometry) -> int:
    """Values of a kernel for one output channel; said in full, as a batch may have no samples."""
    return geometry.in_channels // geometry.groups * prod(geometry.kernel)
