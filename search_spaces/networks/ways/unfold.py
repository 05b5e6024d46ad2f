"""The reference way as a product of matrices, for those who look at the operations.

It consists of few of torch's own operations, of sizes that may stay unknown: for exporters, which
fix the groups of a convolution when a graph is written, so that these cannot be as many as a batch
has samples; for transforms and gradients of gradients; for counters. It keeps all patches, so the
choosers never take it by themselves. An ONNX graph has a loop over samples in their place.

Axes: B batch, G groups, I channels in, O channels out, K kernel positions, H output positions.
"""

from math import prod

import torch
from torch import Tensor
from torch._higher_order_ops.scan import scan
from torch.nn import functional as F

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.textbook import convolved, padded

ADDED = 4
"""Values that are added in the time that one value of a kernel is laid out in."""

SLICES = 25
"""Kernel positions up to which each is a slice; a graph of more would be mostly slices."""


def unfold(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Multiply one kernel a sample with its patches; shapes in `search_spaces.networks.ways`.

    Kernels are ``[B, G, O / G, K * I / G]``, patches ``[B, G, K * I / G, H]``; or blocks of
    them are multiplied apart, see `_adds`.
    """
    outs = geometry.out_size(tuple(x.shape[2:]))
    if _adds(geometry, outs):
        y = _added(alpha, cells, _patches(x, geometry), geometry)
    elif _loops(geometry):
        return _looped(x, alpha, cells, geometry)
    else:
        y = torch.matmul(_kernels(alpha, cells, geometry), _patches(x, geometry))
    return y.reshape(-1, geometry.out_channels, *outs)


def _loops(geometry: Geometry) -> bool:
    """Whether samples are convolved in a loop: where a graph can hold one, and patches are copies.

    torch's older exporter has no loops, and other programs are not quicker by one.
    """
    writes_graph = torch.onnx.is_in_onnx_export() and torch.compiler.is_exporting()
    return writes_graph and prod(geometry.kernel) > 1


def _looped(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """A loop over samples in the graph, which convolves one at a time: ``Scan`` in ONNX."""

    def one(kept: Tensor, operands: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        image, kernel = operands
        return kept.clone(), convolved(image.unsqueeze(0), kernel, geometry).squeeze(0)

    # a graph has no gradients, and torch warns where a loop reads what could have one
    operands = padded(x, geometry).detach(), _assembled(alpha, cells, geometry).detach()
    y: Tensor = scan(one, x.new_zeros(()), operands)[1]
    return y


def _assembled(alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Kernels ``[B, O, I / groups, *kernel]``, as the textbook way has them.

    Positions are the columns of the product, so that a runtime lays out runs and not single values.
    """
    g = geometry
    s, p, q = g.blocks
    a, c, points = g.cell_out, g.cell_in, prod(g.cell_kernel)
    cells = cells.flatten(1).to(alpha.dtype)
    if points == 1:
        rows = alpha.reshape(-1, s, p, q, alpha.shape[-1]).permute(0, 2, 3, 4, 1)
        mixed = torch.matmul(cells.mT, rows)
    else:
        mixed = torch.matmul(alpha, cells)
    kernels = mixed.reshape(-1, p, q, a, c, prod(g.kernel)).permute(0, 1, 3, 2, 4, 5)
    return kernels.reshape(-1, g.out_channels, g.in_channels // g.groups, *g.kernel)


def _adds(geometry: Geometry, outs: tuple[int, ...]) -> bool:
    """Whether blocks of a kernel are multiplied one by one and the products added.

    Kernels then stay as they are mixed, where laying them out would copy more than is added.
    """
    g = geometry
    s, _, q = g.blocks
    known = all(type(out) is int for out in outs)
    apart = s * q > 1 and prod(g.cell_kernel) == 1 and g.groups == 1
    return known and apart and q * prod(outs) <= ADDED * g.in_channels


def _added(alpha: Tensor, cells: Tensor, patches: Tensor, geometry: Geometry) -> Tensor:
    """The sum over kernel positions and input blocks: ``[B, O, H]``, for one group."""
    g = geometry
    s, p, q = g.blocks
    a, c, positions = g.cell_out, g.cell_in, patches.shape[-1]
    mixed = torch.matmul(alpha, cells.flatten(1).to(alpha.dtype))
    if p == 1 or q == 1:
        kernels = mixed.reshape(-1, s * q, p * a, c)
        return torch.matmul(kernels, patches.reshape(-1, s * q, c, positions)).sum(1)
    read = patches.reshape(-1, s, 1, q, c, positions)
    return torch.matmul(mixed.reshape(-1, s, p, q, a, c), read).sum((1, 3))


def _kernels(alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Lay out the kernels of a batch: ``[B, G, O / G, K * I / G]``.

    Rows of cells stay together, so that a runtime copies rows and not single values.
    """
    g = geometry
    s, p, q = g.blocks
    mixed = torch.matmul(alpha, cells.flatten(1).to(alpha.dtype))
    pieces = mixed.reshape(-1, s, p, q, g.cell_out, g.cell_in, prod(g.cell_kernel))
    kernels = pieces.permute(0, 2, 4, 1, 6, 3, 5)
    return kernels.reshape(-1, g.groups, g.out_channels // g.groups, _depth(g))


def _patches(x: Tensor, geometry: Geometry) -> Tensor:
    """``[B, I, *spatial]`` -> ``[B, G, K * I / G, H]``: one slice a kernel position."""
    g = geometry
    outs = g.out_size(tuple(x.shape[2:]))
    edges = [edge for pair in reversed(g.padding) for edge in pair]
    x = F.pad(x, edges) if any(edges) else x
    if prod(g.kernel) > SLICES:
        return _by_index(x, outs, g)
    read = [x]
    for axis, size in enumerate(g.kernel):
        read = [_slice(part, axis, at, outs[axis], g) for part in read for at in range(size)]
    shape = (x.shape[0], g.groups, g.in_channels // g.groups, prod(outs))
    parts = [part.reshape(shape) for part in read]
    return torch.cat(parts, 2) if len(parts) > 1 else parts[0]


def _by_index(x: Tensor, outs: tuple[int, ...], geometry: Geometry) -> Tensor:
    """Patches of a padded input by one selection an axis."""
    g = geometry
    for axis, (size, out) in enumerate(zip(g.kernel, outs, strict=True)):
        points = torch.arange(size, device=x.device) * g.dilation[axis]
        at = points.unsqueeze(1) + torch.arange(out, device=x.device) * g.stride[axis]
        x = x.index_select(2 + axis, at.flatten())
    pairs = [edge for pair in zip(g.kernel, outs, strict=True) for edge in pair]
    read = x.reshape(-1, g.groups, g.in_channels // g.groups, *pairs)
    last = 3 + 2 * g.dims
    patches = read.permute(0, 1, *range(3, last, 2), 2, *range(4, last, 2))
    return patches.reshape(x.shape[0], g.groups, _depth(g), prod(outs))


def _slice(x: Tensor, axis: int, at: int, out: int, geometry: Geometry) -> Tensor:
    """What the outputs along an axis read through one point of the kernel."""
    step, start = geometry.stride[axis], at * geometry.dilation[axis]
    # arithmetic on the size keeps height and width free in a graph
    span = slice(start, start + (out - 1) * step + 1, step)
    return x[(slice(None),) * (2 + axis) + (span,)]


def _depth(geometry: Geometry) -> int:
    """Values of a kernel for one output channel; said in full, as a batch may have no samples."""
    return geometry.in_channels // geometry.groups * prod(geometry.kernel)
