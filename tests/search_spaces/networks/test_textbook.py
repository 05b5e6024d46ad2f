"""Geometry reads torch's layers rightly, and the reference way is a plain convolution a sample."""

from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from search_spaces import InfeasibleError, InputError
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.operator import convolve
from search_spaces.sites import Address, Site
from search_spaces.warehouse import SitePlan

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    """Any small geometry: 1 to 3 axes, groups, strides, dilation, uneven padding."""
    dims = draw(st.integers(1, 3))

    def axes(low: int, high: int) -> tuple[int, ...]:
        return draw(st.tuples(*[st.integers(low, high)] * dims))

    groups, og, ig = draw(st.tuples(*[st.integers(1, 3)] * 3))
    kernel = axes(1, 3)
    split = draw(st.booleans())
    return Geometry(
        in_channels=groups * ig * draw(st.integers(1, 2)),
        out_channels=groups * og * draw(st.integers(1, 2)),
        groups=groups,
        kernel=kernel,
        stride=axes(1, 2),
        padding=tuple(zip(axes(0, 2), axes(0, 2), strict=True)),
        dilation=axes(1, 2),
        blocks=(prod(kernel) if split else 1, og, ig),
        cell_kernel=(1,) * dims if split else kernel,
    )


def operands(
    g: Geometry, seed: int, cells: int = 3, batch: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """Random ``x``, ``alpha`` and ``cells`` for a geometry, in float64."""
    random = torch.Generator().manual_seed(seed)
    shapes = (
        (batch, g.in_channels, *(5 + axis for axis in range(g.dims))),
        (batch, g.mixtures, cells),
        (cells, g.cell_out, g.cell_in, *g.cell_kernel),
    )
    x, alpha, mixed = (torch.randn(s, generator=random, dtype=torch.float64) for s in shapes)
    return x, alpha, mixed


def one_kernel(alpha: Tensor, cells: Tensor, g: Geometry) -> Tensor:
    """The kernel of one sample, laid out piece by piece in the order of the mixtures."""
    points = prod(g.kernel) // g.blocks[0]
    kernel = torch.zeros(
        g.out_channels, g.in_channels // g.groups, prod(g.kernel), dtype=cells.dtype
    )
    for row, (s, o, i) in zip(alpha, product(*map(range, g.blocks)), strict=True):
        outs = slice(o * g.cell_out, (o + 1) * g.cell_out)
        ins = slice(i * g.cell_in, (i + 1) * g.cell_in)
        piece = torch.tensordot(row, cells, 1).flatten(2)
        kernel[outs, ins, s * points : (s + 1) * points] = piece
    return kernel.reshape(*kernel.shape[:2], *g.kernel)


@given(geometries(), st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_each_sample_is_convolved_with_its_own_kernel(g: Geometry, seed: int) -> None:
    """One plain convolution a sample, with a kernel laid out piece by piece, says the same."""
    x, alpha, cells = operands(g, seed)
    padded = F.pad(x, [edge for pair in reversed(g.padding) for edge in pair])
    size = [n - d * (k - 1) for n, k, d in zip(padded.shape[2:], g.kernel, g.dilation, strict=True)]
    assert min(size) > 0
    expected = torch.cat(
        [
            CONV[g.dims](
                padded[b : b + 1],
                one_kernel(alpha[b], cells, g),
                stride=g.stride,
                dilation=g.dilation,
                groups=g.groups,
            )
            for b in range(len(x))
        ]
    )
    y = convolve(x, alpha, cells, g)
    assert tuple(y.shape[2:]) == g.out_size(tuple(x.shape[2:]))
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-11)


def test_gradients_reach_input_shares_and_cells() -> None:
    """They are those of finite differences."""
    g = Geometry(4, 4, 2, (2, 3), (1, 2), ((1, 0), (1, 2)), (1, 1), (6, 2, 1), (1, 1))
    inputs = [t.requires_grad_() for t in operands(g, 0)]
    assert torch.autograd.gradcheck(lambda x, alpha, cells: convolve(x, alpha, cells, g), inputs)


def test_an_unknown_way_is_refused() -> None:
    """With the nearest name."""
    g = Geometry(1, 1, 1, (1,), (1,), ((0, 0),), (1,), (1, 1, 1), (1,))
    with pytest.raises(InputError, match="Did you mean 'textbook'"):
        convolve(*operands(g, 0), g, way="textbok")


def plan_for(layer: nn.Module, blocks: tuple[int, int, int], kernel: tuple[int, ...]) -> SitePlan:
    """A plan whose only meaning is the cut of the kernel."""
    site = Site(
        name="body.0",
        address=Address.parse("stage0_layer0_conv0"),
        kind="linear" if isinstance(layer, nn.Linear) else "conv",
        in_channels=4,
        out_channels=8,
        kernel=kernel,
        groups=1,
        bias=False,
        positions=1,
    )
    return SitePlan(site, 0, 1, blocks, Fraction(1), 0, 1, 1, 16, None, linear_bias=False)


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        (nn.Conv1d(4, 8, 4, padding="same"), (9,)),
        (nn.Conv2d(4, 8, (3, 2), padding="same", dilation=(1, 3)), (9, 8)),
        (nn.Conv2d(4, 8, (3, 5), padding="valid", stride=2), (9, 8)),
        (nn.Conv2d(4, 8, 3, padding=(2, 1), stride=(2, 3)), (9, 8)),
        (nn.Conv3d(4, 8, (1, 2, 3), padding=1, dilation=2), (6, 7, 8)),
    ],
    ids=["same", "same, dilated", "valid", "numbers", "3-d"],
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_geometry_of_a_convolution_is_torchs(layer: Any, size: tuple[int, ...]) -> None:
    """A single cell with share one is the plain convolution, in size and value."""
    g = Geometry.of(plan_for(layer, (1, 1, 1), layer.kernel_size), layer)
    x = torch.randn(2, 4, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        y = convolve(x, torch.ones(2, 1, 1), layer.weight.unsqueeze(0), g)
        expected = layer(x) - layer.bias.view(-1, *[1] * g.dims)
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)


def test_geometry_of_a_linear_layer_has_one_axis() -> None:
    """Kernel 1, whatever the cut."""
    g = Geometry.of(plan_for(nn.Linear(4, 8), (1, 2, 2), (1,)), nn.Linear(4, 8))
    assert (g.kernel, g.stride, g.cell_kernel, g.cell_out, g.cell_in) == ((1,), (1,), (1,), 4, 2)


class Standardised(nn.Conv2d):
    """A convolution that changes its weight on the way."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve with a centred weight."""
        return F.conv2d(x, self.weight - self.weight.mean())


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (nn.ConvTranspose2d(4, 8, 3), "it is a ConvTranspose2d"),
        (nn.Bilinear(4, 4, 8), "it is a Bilinear"),
        (nn.Conv2d(4, 8, 3, padding_mode="circular"), "padding_mode is 'circular'"),
        (Standardised(4, 8, 3), "Standardised computes its output in a way of its own"),
        (parametrizations.weight_norm(nn.Conv2d(4, 8, 3)), "rewritten before each use"),
    ],
    ids=["transposed", "bilinear", "circular", "own forward", "weight norm"],
)
def test_what_cells_cannot_stand_in_for_is_refused_by_name(layer: nn.Module, told: str) -> None:
    """Site and trait are named."""
    with pytest.raises(InfeasibleError, match=f"'body.0'.*{told}"):
        Geometry.of(plan_for(layer, (9, 1, 1), (3, 3)), layer)


@given(geometries(), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_the_chooser_takes_the_reference_way_in_double_precision(g: Geometry, seed: int) -> None:
    """Bit for bit, so that networks compare with the reference where rounding is amplified."""
    x, alpha, cells = operands(g, seed)
    auto = convolve(x, alpha, cells, g, way="auto")
    assert torch.equal(auto, convolve(x, alpha, cells, g, way="textbook"))
