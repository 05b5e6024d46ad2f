"""A network without gradients: the numbers of the textbook way, and nothing of it is changed."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from search_spaces.config import NetworkConfig
from search_spaces.errors import InputError
from search_spaces.networks import build, compress_cells
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.graphs import write_graph
from search_spaces.networks.layer import KWConv, KWLinear, warehouses
from search_spaces.networks.operator import convolve
from search_spaces.networks.ways import WAYS, matmul
from search_spaces.networks.ways.each import _pieces
from search_spaces.networks.ways.matmul import (
    DEEP,
    DEPTH,
    SPILLED,
    in_pieces,
    times,
    times_each,
    times_laid_out,
    times_widened,
)
from search_spaces.networks.ways.scratch import memory_limits
from search_spaces.networks.ways.textbook import textbook


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def served(backbone: str, *, way: str, ratio: float = 0.5) -> nn.Module:
    torch.manual_seed(0)
    config = NetworkConfig(backbone=backbone, num_classes=10, cell_num_ratio=ratio)
    return build(config, way=way).eval()


def logits(network: nn.Module, way: str, images: Tensor) -> Tensor:
    for layer in network.modules():
        if isinstance(layer, KWConv | KWLinear):
            layer.way = way
    y: Tensor = network(images)
    return y


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("batch", [1, 3, 17])
def test_every_way_gives_the_logits_of_the_textbook_way(mode: type, batch: int) -> None:
    """In float64 to 1e-10, batches of one, and of more samples than a tile has."""
    network = served("resnet8", way="textbook").double()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    images = torch.randn(batch, 3, 16, 16, dtype=torch.float64)
    with mode():
        expected = logits(network, "textbook", images)
        for way in ("auto", *WAYS):
            found = logits(network, way, images)
            torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_a_change_of_cells_is_seen_by_the_next_batch() -> None:
    """Nothing that was formed of them is kept."""
    network = served("resnet8", way="auto")
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        before = logits(network, "auto", images)
        for layer in network.modules():
            if isinstance(layer, KWConv):
                layer.warehouse.cells.data.mul_(1.5)
        after = logits(network, "auto", images)
        torch.testing.assert_close(after, logits(network, "textbook", images), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(before, after)


@pytest.mark.parametrize("way", ["auto", "multiply-each", "convolve-each"])
def test_under_autocast_logits_are_near_those_of_single_precision(way: str) -> None:
    network = served("resnet8", way="textbook")
    images = torch.randn(4, 3, 16, 16)
    with torch.no_grad():
        exact = logits(network, "textbook", images)
        with torch.autocast("cpu", torch.bfloat16):
            half = logits(network, way, images)
    assert (half.float() - exact).abs().max() <= 0.05 * exact.abs().max()


def pointwise(stride: int = 1) -> Geometry:
    """Twelve channels to eighteen, three output blocks and two input blocks."""
    return Geometry(
        in_channels=12,
        out_channels=18,
        groups=1,
        kernel=(1, 1),
        stride=(stride, stride),
        padding=((0, 0), (0, 0)),
        dilation=(1, 1),
        blocks=(1, 3, 2),
        cell_kernel=(1, 1),
    )


def depthwise() -> Geometry:
    """A cell spans all groups."""
    return replace(
        pointwise(),
        out_channels=12,
        groups=12,
        kernel=(3, 3),
        padding=((1, 1), (1, 1)),
        blocks=(9, 1, 1),
    )


def operands(geometry: Geometry, batch: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = (
        (batch, geometry.in_channels, 6, 5),
        (batch, geometry.mixtures, 7),
        (7, geometry.cell_out, geometry.cell_in, 1, 1),
    )
    x, alpha, cells = (torch.randn(s, generator=generator, dtype=dtype) for s in shapes)
    return x, alpha, cells


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("batch", [1, 3, 17])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_kernel_of_one_position_gives_an_output_in_the_layout_of_its_input(
    layout: torch.memory_format, batch: int, stride: int
) -> None:
    """So that what follows need not copy it."""
    geometry = pointwise(stride)
    x, alpha, cells = operands(geometry, batch, torch.float64)
    with torch.no_grad():
        y = WAYS["convolve-each"](x.contiguous(memory_format=layout), alpha, cells, geometry)
    assert y.is_contiguous(memory_format=layout)
    torch.testing.assert_close(y, textbook(x, alpha, cells, geometry), atol=1e-10, rtol=0)


@pytest.mark.parametrize("batch", [1, 3, 17])
def test_depthwise_layers_stay_channels_last(batch: int) -> None:
    geometry = depthwise()
    x, alpha, cells = operands(geometry, batch, torch.float64)
    last = x.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        y = WAYS["convolve-each"](last, alpha, cells, geometry)
    assert y.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(y, textbook(x, alpha, cells, geometry), atol=1e-10, rtol=0)


def test_the_textbook_way_leaves_one_image_channels_last() -> None:
    x, alpha, cells = operands(depthwise(), 1, torch.float32)
    last = x.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        y = textbook(last, alpha, cells, depthwise())
    assert y.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(y, textbook(x, alpha, cells, depthwise()))


@pytest.mark.parametrize("processor", ["AMD EPYC", "Intel(R) Xeon(R)"])
@pytest.mark.parametrize("rows", [1, 2, 15, 16, 72])
@pytest.mark.parametrize("size", [(30, 20_000), (150, 30_000)])
def test_products_of_inference_are_those_of_double_precision(
    rows: int, size: tuple[int, int], processor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By either library; few and many rows, a slice of columns, narrower cells than a cache."""
    slow = matmul._slow_blas.__wrapped__
    monkeypatch.setattr(matmul, "processor", lambda: processor)
    monkeypatch.setattr(matmul, "_slow_blas", slow)
    inner, columns = size
    left, right = torch.randn(rows, inner), torch.randn(inner, columns)
    with torch.no_grad():
        exact = (left.double() @ right.double()).float()
        torch.testing.assert_close(times(left, right), exact, atol=1e-4, rtol=1e-4)
        part = slice(100, 900)
        torch.testing.assert_close(
            times(left, right[:, part]), exact[:, part], atol=1e-4, rtol=1e-4
        )
        half = right.bfloat16()
        exact = (left.double() @ half.double()).float()
        torch.testing.assert_close(times_widened(left, half), exact, atol=1e-4, rtol=1e-4)


def test_pieces_of_a_batch_have_as_many_kernels_as_there_are_cells() -> None:
    """So that many cells are not read again for a sample or two."""
    x, alpha, cells = operands(pointwise(), 20, torch.float32)
    many = 5 * alpha.shape[1]
    with memory_limits(scratch=1, kept=1), torch.no_grad():
        for cells_of, samples in ((many, 5), (1, 1)):
            rows, given = (
                alpha[..., :1].expand(-1, -1, cells_of),
                cells[:1].expand(cells_of, -1, -1, -1, -1),
            )
            pieces = [len(piece) for piece in _pieces(x, rows, given, pointwise())]
            assert pieces == [samples] * (20 // samples)


@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("j", [1, 9, 18])
@pytest.mark.parametrize("size", [(7, 8, 20), (DEPTH + DEEP, 256, 256)])
def test_a_product_is_written_where_its_numbers_belong(
    p: int, j: int, size: tuple[int, int, int]
) -> None:
    """Whole numbers are added without rounding, whatever the order."""
    n, a, d = size
    left = torch.randint(-9, 9, (p, j, n)).float()
    right = torch.randint(-9, 9, (n, a, d)).float()
    part = slice(1, a - 1)
    with torch.no_grad():
        exact = torch.einsum("pjn,nad->pajd", left, right)
        assert torch.equal(times_laid_out(left, right), exact)
        assert torch.equal(times_laid_out(left, right[:, part]), exact[:, part])


@pytest.mark.parametrize("columns", [SPILLED // DEEP + 1, 2**17, 2**17 + 5])
def test_a_product_in_pieces_leaves_out_no_row_and_no_column(columns: int) -> None:
    """Whole numbers are added without rounding, whatever the order."""
    for inner in (DEEP, DEEP + 1, 3 * DEPTH, 3 * DEPTH + 1):
        left = torch.randint(-9, 9, (9, inner)).float()
        right = torch.randint(-9, 9, (inner, columns)).float()
        assert in_pieces(9, inner, columns)
        with torch.no_grad():
            assert torch.equal(times(left, right), left @ right)
    assert not in_pieces(1, DEEP, columns)
    assert not in_pieces(9, DEEP - 1, columns)
    assert not in_pieces(9, DEEP, SPILLED // DEEP - 1)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("size", [(4, 5, 6), (40, 200, 150)])
def test_products_sample_by_sample_are_those_of_double_precision(
    batch: int, size: tuple[int, int, int]
) -> None:
    m, n, k = size
    left, right = torch.randn(batch, m, k), torch.randn(batch, n, k)
    with torch.no_grad():
        exact = torch.bmm(left.double(), right.double().mT).float()
        torch.testing.assert_close(times_each(left, right), exact, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("kind", "apart", "smaller"), [("bfloat16", 0.02, 2), ("int8", 0.1, 4)])
@pytest.mark.parametrize("backbone", ["resnet8", "convnext-tiny"])
def test_compressed_cells_take_less_memory_and_change_logits_little(
    backbone: str, kind: str, apart: float, smaller: int
) -> None:
    """Convolutions and linear layers; nothing else of the network is compressed."""
    network = served(backbone, way="auto")
    images = torch.randn(3, 3, 32, 32)
    before = cell_bytes(network)
    others = {n: v.clone() for n, v in network.state_dict().items() if "warehouse" not in n}
    with torch.no_grad():
        exact = network(images)
        compress_cells(network, kind)
        found = network(images)
    assert cell_bytes(network) * smaller == before
    assert 0 < (found - exact).abs().max() <= apart * exact.abs().max()
    for name, value in others.items():
        assert torch.equal(network.state_dict()[name], value), name


def cell_bytes(network: nn.Module) -> int:
    return sum(house.cells.nbytes for house in warehouses(network))


def test_compressed_networks_are_copied_saved_and_exported() -> None:
    network = served("resnet8", way="auto")
    other = served("resnet8", way="auto")
    for compressed in (network, other):
        compress_cells(compressed, "int8")
    other.load_state_dict(network.state_dict())
    images = torch.randn(2, 3, 16, 16)
    program = torch.export.export(network, (images,))
    with torch.no_grad():
        wanted = network(images)
        for found in (copy.deepcopy(network), other, program.module()):
            torch.testing.assert_close(found(images), wanted, atol=1e-5, rtol=1e-4)


def test_a_type_of_cells_that_there_is_not_is_refused() -> None:
    with pytest.raises(InputError, match="'int4' is not a type of cells: float32, bfloat16, int8"):
        compress_cells(served("resnet8", way="auto"), "int4")


@pytest.mark.slow
@pytest.mark.timeout(1800)  # an exporter, beside other work
@pytest.mark.parametrize("backbone", ["resnet18", "mobilenetv2", "convnext-tiny"])
def test_a_graph_gives_the_logits_of_the_textbook_way_on_real_images(
    backbone: str, tmp_path: Path
) -> None:
    """Handwritten digits, one by one and some at once, to 1e-4 of the largest logit."""
    network = served(backbone, way="textbook")
    digits = torch.from_numpy(load_digits().images[:5]).float().sub(5).div(6)
    images = nn.functional.interpolate(digits.unsqueeze(1).expand(-1, 3, -1, -1), 64)
    write_graph(network, images[:2], tmp_path / "it.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "it.onnx")
    with torch.no_grad():
        wanted = network(images)
    for part in (slice(0, 1), slice(0, 5)):
        found = torch.from_numpy(session.run(["logits"], {"images": images[part].numpy()})[0])
        assert (found - wanted[part]).abs().max() <= 1e-4 * wanted.abs().max()


class Layers(nn.Module):
    """One image as the input of layers of several geometries, attention from its mean."""

    def __init__(self, geometries: list[Geometry]) -> None:
        super().__init__()
        self.geometries = geometries
        self.cells = nn.ParameterList(
            torch.randn(3, g.cell_out, g.cell_in, *g.cell_kernel) for g in geometries
        )
        self.shares = nn.ModuleList(nn.Linear(6, g.mixtures * 3) for g in geometries)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The output of every layer."""
        given = {1: x.flatten(2), 2: x, 3: x.unflatten(3, (2, -1))}
        mean = x.mean((2, 3))
        return [
            convolve(given[g.dims], shares(mean).view(-1, g.mixtures, 3), cells, g)
            for g, shares, cells in zip(self.geometries, self.shares, self.cells, strict=True)
        ]


def test_a_graph_convolves_samples_in_a_loop_whatever_the_geometry(tmp_path: Path) -> None:
    """Strides, dilation, edges that differ, groups, cells of several groups, one to three axes."""
    even, uneven = ((1, 1), (1, 1)), ((0, 1), (2, 1))
    square = Geometry(
        in_channels=6, out_channels=8, groups=1, kernel=(3, 3), stride=(1, 1), padding=even,
        dilation=(1, 1), blocks=(9, 2, 3), cell_kernel=(1, 1),
    )  # fmt: skip
    whole = replace(square, blocks=(1, 2, 3), cell_kernel=(3, 3))
    layers = Layers(
        [
            replace(square, stride=(2, 1), padding=uneven),
            replace(whole, dilation=(2, 1)),
            replace(square, groups=2, blocks=(9, 2, 3)),
            replace(whole, out_channels=6, groups=6, blocks=(1, 1, 1)),
            replace(square, kernel=(4,), stride=(3,), padding=((1, 0),), dilation=(1,),
                    blocks=(4, 2, 3), cell_kernel=(1,)),
            replace(square, kernel=(3, 1, 2), stride=(1, 1, 2), padding=(*even, (0, 0)),
                    dilation=(1, 1, 1), blocks=(6, 2, 3), cell_kernel=(1, 1, 1)),
        ]
    ).eval()  # fmt: skip
    batch = {0: torch.export.Dim("batch")}
    path = tmp_path / "layers.onnx"
    torch.onnx.export(
        layers, (torch.randn(2, 6, 9, 8),), path, input_names=["x"], dynamic_shapes=(batch,),
        dynamo=True, verbose=False,
    )  # fmt: skip
    session = onnxruntime.InferenceSession(path)
    assert "Scan" in path.read_bytes().decode("latin-1")
    for samples in (1, 4):
        x = torch.randn(samples, 6, 9, 8)
        with torch.no_grad():
            wanted = layers(x)
        for found, one in zip(session.run(None, {"x": x.numpy()}), wanted, strict=True):
            torch.testing.assert_close(torch.from_numpy(found), one, atol=1e-4, rtol=1e-4)
