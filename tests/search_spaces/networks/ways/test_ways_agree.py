"""Every way computes what the textbook way computes, gradients included."""

from dataclasses import dataclass
from math import prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways import WAYS
from search_spaces.networks.ways import unfold as unfolding
from search_spaces.networks.ways.lowering import lower
from search_spaces.networks.ways.patches import Patches
from search_spaces.networks.ways.scratch import memory_limits
from search_spaces.networks.ways.textbook import assemble, textbook
from search_spaces.networks.ways.unfold import unfold

OTHERS = sorted(set(WAYS) - {"textbook"})


@dataclass(frozen=True)
class Case:
    """A layer and the sizes that its tensors need."""

    geometry: Geometry
    size: tuple[int, ...]
    batch: int
    cells: int
    scratch: int
    kept: int

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Input, attention and cells."""
        g = self.geometry
        generator = torch.Generator().manual_seed(self.batch + 7 * self.cells)

        def draw(*shape: int) -> Tensor:
            return torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()

        return (
            draw(self.batch, g.in_channels, *self.size),
            draw(self.batch, g.mixtures, self.cells),
            draw(self.cells, g.cell_out, g.cell_in, *g.cell_kernel),
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    dims = draw(st.sampled_from([1, 2, 2, 2, 3]))

    def per_axis(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(dims))

    groups = draw(st.sampled_from([1, 1, 2, 3]))
    blocks_in, blocks_out = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    cell_in, cell_out = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 4]))
    kernel = per_axis(1, 3)
    whole = draw(st.booleans())
    spanning = draw(st.booleans()) and groups > 1
    out_blocks = blocks_out if spanning else groups * blocks_out
    geometry = Geometry(
        in_channels=groups * blocks_in * cell_in,
        out_channels=out_blocks * cell_out * (groups if spanning else 1),
        groups=groups,
        kernel=kernel,
        stride=per_axis(1, 3),
        padding=tuple(zip(per_axis(0, 2), per_axis(0, 2), strict=True)),
        dilation=per_axis(1, 2),
        blocks=(1 if whole else prod(kernel), out_blocks, blocks_in),
        cell_kernel=kernel if whole else (1,) * dims,
    )
    size = tuple(
        max(edge, d * (k - 1) + 1 - before - after)
        for edge, d, k, (before, after) in zip(
            per_axis(1, 5), geometry.dilation, kernel, geometry.padding, strict=True
        )
    )
    scratch = draw(st.sampled_from([1, 300, 2000, 10**6]))
    kept = draw(st.sampled_from([0, 10**6]))
    return Case(geometry, size, draw(st.integers(1, 5)), draw(st.integers(1, 7)), scratch, kept)


@pytest.mark.parametrize("name", OTHERS)
@settings(max_examples=150, deadline=None)
@given(case=cases())
def test_outputs_and_gradients_are_those_of_the_textbook_way(name: str, case: Case) -> None:
    tensors = case.tensors()
    expected = textbook(*tensors, case.geometry)
    try:
        with memory_limits(scratch=case.scratch, kept=case.kept):
            y = WAYS[name](*tensors, case.geometry)
    except NotImplementedError:
        assert case.geometry.blocks[1] % case.geometry.groups
        return
    grad = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(y, expected, atol=1e-10, rtol=0)
    for got, want in zip(
        torch.autograd.grad(y, tensors, grad),
        torch.autograd.grad(expected, tensors, grad),
        strict=True,
    ):
        torch.testing.assert_close(got, want, atol=1e-10, rtol=0)


@given(case=cases())
def test_kernels_of_a_graph_are_those_of_the_textbook_way(case: Case) -> None:
    _, alpha, cells = (tensor.detach() for tensor in case.tensors())
    kernels = unfolding._assembled(alpha, cells, case.geometry)
    torch.testing.assert_close(kernels, assemble(alpha, cells, case.geometry), atol=1e-12, rtol=0)


@given(case=cases())
def test_a_layer_is_the_sum_over_patches_attention_and_cells(case: Case) -> None:
    """The equation of the package's docstring, as it stands there."""
    if case.geometry.blocks[1] % case.geometry.groups:
        return
    x, alpha, cells = (tensor.detach() for tensor in case.tensors())
    low = lower(case.geometry, case.size)
    reader = Patches(low)
    patches = reader.read(reader.window(low.channels_last(x, x.dtype)))
    y = torch.einsum("qhjd,qpjn,nad->qhpa", patches, low.attention(alpha), low.cells(cells))
    expected = textbook(x, alpha, cells, case.geometry)
    torch.testing.assert_close(low.output(y), expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("slices", [unfolding.SLICES, 0])
@pytest.mark.parametrize("added", [unfolding.ADDED, 0, 10**6])
@given(case=cases())
def test_the_way_for_graphs_computes_what_the_textbook_way_computes(
    slices: int, added: int, case: Case
) -> None:
    """Cells that span groups included; patches by slices and by an index; products added or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unfolding, "SLICES", slices)
        patch.setattr(unfolding, "ADDED", added)
        y = unfold(*case.tensors(), case.geometry)
    torch.testing.assert_close(y, textbook(*case.tensors(), case.geometry), atol=1e-10, rtol=0)


RESNET_LIKE = Case(
    Geometry(
        in_channels=4,
        out_channels=8,
        groups=1,
        kernel=(3, 3),
        stride=(1, 1),
        padding=((1, 1), (1, 1)),
        dilation=(1, 1),
        blocks=(9, 2, 2),
        cell_kernel=(1, 1),
    ),
    size=(4, 4),
    batch=3,
    cells=5,
    scratch=1000,
    kept=0,
)


def test_large_kernels_are_not_laid_out_for_graphs() -> None:
    """They are multiplied as they are mixed: a runtime takes longer to copy than to multiply."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unfolding, "_kernels", None)
        x, alpha, cells = RESNET_LIKE.tensors()
        small = x[..., :2, :2]
        y = unfold(small, alpha, cells, RESNET_LIKE.geometry)
        with pytest.raises(TypeError):  # of more outputs they are
            unfold(x, alpha, cells, RESNET_LIKE.geometry)
    torch.testing.assert_close(y, textbook(small, alpha, cells, RESNET_LIKE.geometry))


@pytest.mark.parametrize("name", OTHERS)
def test_two_uses_of_the_same_cells_add_up_their_gradients(name: str) -> None:
    x, alpha, cells = RESNET_LIKE.tensors()
    way = WAYS[name]

    def cells_grad(inputs: list[Tensor]) -> Tensor:
        total = sum(way(x, alpha, cells, RESNET_LIKE.geometry).square().sum() for x in inputs)
        assert isinstance(total, Tensor)
        return torch.autograd.grad(total, cells)[0]

    once = [cells_grad([x]), cells_grad([2 * x])]
    torch.testing.assert_close(cells_grad([x, 2 * x]), once[0] + once[1])


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 2), (1, 2)])
def test_only_gradients_that_are_wanted_are_computed(name: str, wanted: tuple[int, ...]) -> None:
    tensors = RESNET_LIKE.tensors()
    for i, tensor in enumerate(tensors):
        tensor.requires_grad_(i in wanted)
    leaves = [tensors[i] for i in wanted]
    y = WAYS[name](*tensors, RESNET_LIKE.geometry)
    expected = torch.autograd.grad(textbook(*tensors, RESNET_LIKE.geometry).sum(), leaves)
    for got, want in zip(torch.autograd.grad(y.sum(), leaves), expected, strict=True):
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize("name", OTHERS)
def test_inputs_are_left_as_they_are(name: str) -> None:
    tensors = RESNET_LIKE.tensors()
    before = [t.detach().clone() for t in tensors]
    torch.autograd.grad(WAYS[name](*tensors, RESNET_LIKE.geometry).sum(), tensors)
    for tensor, old in zip(tensors, before, strict=True):
        torch.testing.assert_close(tensor.detach(), old, atol=0, rtol=0)


@pytest.mark.parametrize("name", OTHERS)
def test_under_autocast_the_result_is_bfloat16_and_gradients_keep_their_types(name: str) -> None:
    x, alpha, cells = (t.detach().float().requires_grad_() for t in RESNET_LIKE.tensors())
    exact = textbook(x, alpha, cells, RESNET_LIKE.geometry)
    with torch.autocast("cpu", torch.bfloat16):
        y = WAYS[name](x, alpha, cells, RESNET_LIKE.geometry)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), exact, atol=0.2, rtol=0.05)
    for grad in torch.autograd.grad(y.sum(), (x, alpha, cells)):
        assert grad.dtype == torch.float32
