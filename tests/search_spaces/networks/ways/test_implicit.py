"""The ways of Triton kernels compute what the textbook way does, and every gradient of it.

Without a GPU the kernels run in Triton's interpreter, on the CPU, and are compiled for two
architectures all the same: Triton's wheel has the assembler.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from math import prod
from typing import NoReturn

import pytest
import torch
from torch import Tensor

from search_spaces import NetworkConfig
from search_spaces.errors import InputError
from search_spaces.networks import build, chooser
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.operator import convolve
from search_spaces.networks.ways import IMPLICIT, WAYS, way_of
from search_spaces.networks.ways.launching import CAPABILITY, Tiles, failure, refusal
from search_spaces.networks.ways.ledger import shared
from search_spaces.networks.ways.scratch import memory_limits
from search_spaces.networks.ways.textbook import textbook

pytest.importorskip("triton")
GPU = torch.cuda.is_available()
DEVICE = "cuda" if GPU else "cpu"
NAMES = sorted(IMPLICIT)


@pytest.fixture(autouse=True)
def _interpreted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Triton asks when a kernel is defined, which is when the first is launched."""
    if not GPU:
        monkeypatch.setenv("TRITON_INTERPRET", "1")
    convolutions = torch.backends.cudnn.conv
    before = convolutions.fp32_precision
    convolutions.fp32_precision = "ieee"  # of the textbook way on a GPU: the oracle is not in TF32
    yield
    convolutions.fp32_precision = before
    chooser.forget_choices()


def layer(
    kernel: tuple[int, ...],
    *,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
    dilation: int = 1,
    groups: int = 1,
    blocks: tuple[int, int] = (1, 1),
    cell: tuple[int, int] = (3, 2),
    whole: bool = False,
) -> Geometry:
    """A layer of so many output and input blocks a group, with cells of so many channels."""
    dims = len(kernel)
    return Geometry(
        in_channels=groups * blocks[1] * cell[1],
        out_channels=groups * blocks[0] * cell[0],
        groups=groups,
        kernel=kernel,
        stride=(stride,) * dims,
        padding=(padding,) * dims,
        dilation=(dilation,) * dims,
        blocks=(1 if whole else prod(kernel), groups * blocks[0], blocks[1]),
        cell_kernel=kernel if whole else (1,) * dims,
    )


def operands(
    geometry: Geometry,
    size: tuple[int, ...],
    *,
    batch: int = 2,
    cells: int = 5,
    dtype: torch.dtype = torch.float64,
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = (
        (batch, geometry.in_channels, *size),
        (batch, geometry.mixtures, cells),
        (cells, geometry.cell_out, geometry.cell_in, *geometry.cell_kernel),
    )
    x, alpha, stored = (
        torch.randn(s, dtype=torch.float64, generator=generator).to(DEVICE, dtype).requires_grad_()
        for s in shapes
    )
    return x, alpha, stored


PLAIN = layer((3, 3), padding=(1, 1), blocks=(2, 2))
LAYERS = {
    "3 x 3": (PLAIN, (4, 4)),
    "1 x 1": (layer((1, 1), blocks=(2, 1)), (3, 3)),
    "1 x 1, stride 2": (layer((1, 1), stride=2, blocks=(1, 2)), (4, 3)),
    "stride 2": (layer((3, 3), stride=2, padding=(1, 1)), (5, 4)),
    "uneven padding": (layer((2, 3), stride=2, padding=(0, 2), dilation=2), (4, 6)),
    "one position": (layer((3, 3), padding=(1, 1), blocks=(1, 2)), (1, 1)),
    "groups": (layer((3, 3), padding=(1, 1), groups=2, blocks=(2, 1)), (3, 2)),
    "depthwise": (layer((3, 3), stride=2, padding=(1, 1), groups=4, cell=(1, 1)), (4, 4)),
    "whole kernels": (layer((3, 3), padding=(1, 1), blocks=(1, 2), whole=True), (3, 4)),
    "whole, groups": (
        layer((3, 2), stride=2, padding=(1, 1), groups=2, blocks=(2, 1), whole=True),
        (3, 3),
    ),
    "one axis": (layer((3,), padding=(1, 0), blocks=(1, 2)), (6,)),
    "three axes": (layer((2, 1, 3), padding=(1, 1), stride=2), (2, 3, 4)),
    "several tiles": (layer((3, 1), padding=(1, 1), cell=(70, 18), blocks=(2, 1)), (11, 10)),
    "many cells": (layer((1, 1), cell=(17, 130)), (2, 1)),
}
PRECISION = {torch.float64: 1e-10, torch.float32: 2e-5}
"""Of the largest value."""


def assert_like_the_textbook(
    name: str, geometry: Geometry, tensors: tuple[Tensor, ...], tolerance: float
) -> None:
    """Outputs and all gradients agree, to ``tolerance`` of the largest value."""
    y, expected = (way_of(way)(*tensors, geometry) for way in (name, "textbook"))
    grad = torch.randn(y.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = (y, *torch.autograd.grad(y, tensors, grad.to(y)))
    wanted = (expected, *torch.autograd.grad(expected, tensors, grad.to(expected)))
    for got, want in zip(found, wanted, strict=True):
        assert got.dtype == want.dtype
        assert (got - want).abs().max() <= tolerance * want.abs().max()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", LAYERS)
def test_outputs_and_gradients_are_those_of_the_textbook_way(name: str, which: str) -> None:
    """In double precision in the interpreter; compiled, in single precision."""
    geometry, size = LAYERS[which]
    dtype = torch.float32 if GPU else torch.float64
    cells = 20 if which == "many cells" else 3
    tensors = operands(geometry, size, cells=cells, dtype=dtype, batch=1 if "tiles" in which else 2)
    assert_like_the_textbook(name, geometry, tensors, PRECISION[dtype])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("scratch", "kept"), [(1, 0), (3000, 10**6)])
def test_a_batch_in_parts_gives_the_same(name: str, scratch: int, kept: int) -> None:
    """One sample at a time and nothing kept; or several, and all that was formed."""
    tensors = operands(PLAIN, (2, 2), batch=3, dtype=torch.float32)
    with memory_limits(scratch=scratch, kept=kept):
        assert_like_the_textbook(name, PLAIN, tensors, PRECISION[torch.float32])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wanted", [(0,), (1,), (2,)])
def test_only_gradients_that_are_wanted_are_computed(name: str, wanted: tuple[int, ...]) -> None:
    tensors = operands(PLAIN, (2, 2), dtype=torch.float32)
    for i, tensor in enumerate(tensors):
        tensor.requires_grad_(i in wanted)
    leaves = [tensors[i] for i in wanted]
    y, expected = (way(*tensors, PLAIN).square().sum() for way in (way_of(name), textbook))
    torch.testing.assert_close(
        torch.autograd.grad(y, leaves), torch.autograd.grad(expected, leaves), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    ("name", "other", "whole"),
    [(NAMES[0], NAMES[1], False), (NAMES[1], "assemble", False), (NAMES[1], NAMES[0], True)],
)
def test_layers_that_share_a_warehouse_add_up_their_gradients(
    name: str,
    other: str,
    whole: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    geometry = layer((3, 3), padding=(1, 1), cell=(2, 2), whole=whole)
    x, alpha, cells = operands(geometry, (2, 2), dtype=torch.float32)

    def two(ways: tuple[str, str], stored: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        first = way_of(ways[0])(x, alpha, stored[0], geometry).tanh()
        y = way_of(ways[1])(first, alpha, stored[1], geometry).square().sum()
        return torch.autograd.grad(y, (x, alpha, cells))

    same = [shared(cells).reshape(cells.shape) for _ in range(2)]
    expected = two(("textbook", "textbook"), (cells, cells))
    for got, want in zip(two((name, other), (same[0], same[1])), expected, strict=True):
        assert (got - want).abs().max() <= 1e-4 * want.abs().max()


@pytest.mark.parametrize("name", NAMES)
def test_half_types_are_near_single_precision_and_gradients_keep_their_types(name: str) -> None:
    """The interpreter multiplies no bfloat16, which is compiled below and run on GPUs."""
    half = torch.bfloat16 if GPU else torch.float16
    x, alpha, cells = operands(PLAIN, (3, 3), dtype=torch.float32)
    exact = textbook(x, alpha, cells, PLAIN)
    with torch.autocast(DEVICE, half):
        y = way_of(name)(x, alpha, cells, PLAIN)
    assert y.dtype == half
    assert (y.float() - exact).abs().max() <= 0.02 * exact.abs().max()
    grads = torch.autograd.grad(y.float().square().sum(), (x, alpha, cells))
    expected = torch.autograd.grad(exact.square().sum(), (x, alpha, cells))
    for got, want in zip(grads, expected, strict=True):
        assert got.dtype == torch.float32
        assert (got - want).abs().max() <= 0.05 * want.abs().max()


@pytest.mark.parametrize("name", NAMES)
def test_a_network_trains_a_step_like_the_textbook_way(name: str) -> None:
    """Whole cells, shared warehouses, strides and pointwise layers, as built."""
    config = NetworkConfig(
        backbone="resnet8x0.25", num_classes=3, in_channels=1, cell_num_ratio=0.5
    )
    images = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    found = []
    for way in (name, "textbook"):
        torch.manual_seed(0)
        network = build(config, way=way).to(DEVICE)
        loss = network(images).square().sum()
        found.append(torch.autograd.grad(loss, list(network.parameters())))
    for got, want in zip(*found, strict=True):
        assert (got - want).abs().max() <= 1e-3 * want.abs().max() + 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_cells_that_span_groups_are_refused(name: str) -> None:
    geometry = layer((1, 1), groups=2)
    spanning = Geometry(**{f: getattr(geometry, f) for f in Geometry.__slots__} | {
        "blocks": (1, 1, 1),
    })  # fmt: skip
    x, alpha, cells = operands(spanning, (2, 2), dtype=torch.float32)
    with pytest.raises(NotImplementedError, match="span several groups"):
        way_of(name)(x, alpha, cells, spanning)


@pytest.mark.skipif(GPU, reason="there is a GPU")
def test_without_a_gpu_the_ways_refuse_and_choosers_leave_them_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TRITON_INTERPRET")
    x, alpha, cells = operands(PLAIN, (2, 2), dtype=torch.float32)
    for name in NAMES:
        with pytest.raises(NotImplementedError, match="nothing for the device 'cpu'"):
            convolve(x, alpha, cells, PLAIN, name)
    assert not chooser.situation(x, alpha, cells, PLAIN).kernels
    assert refusal(torch.device("cuda"), torch.float64) == (
        "Triton multiplies no matrices of torch.float64"
    )


def test_a_machine_on_which_triton_fails_is_told_so_and_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No compiler for its launchers, say: the other ways are taken then."""
    assert not failure(torch.device(DEVICE))
    from search_spaces.networks.ways import kernels  # noqa: PLC0415 - defined as the fixture says

    class Broken:
        """A kernel that cannot be launched."""

        def __getitem__(self, grid: tuple[int, ...]) -> NoReturn:
            raise RuntimeError("Failed to find\n C compiler.")

    monkeypatch.setattr(kernels, "convolve", Broken())
    assert failure(torch.device(DEVICE)) == "Triton fails here (Failed to find C compiler.)"

    class Wrong(Broken):
        """A kernel that computes nothing."""

        def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
            return lambda *_, **__: None

    monkeypatch.setattr(kernels, "convolve", Wrong())
    assert failure(torch.device(DEVICE)) == "Triton takes 2 times 3 for 0 here"


def test_choosers_take_the_ways_where_a_situation_has_them() -> None:
    """With Triton on a GPU, and only there."""
    x, alpha, cells = operands(PLAIN, (2, 2), dtype=torch.float32)
    here = chooser.situation(x, alpha, cells, PLAIN)
    values = {f: getattr(here, f) for f in chooser.Situation.__slots__} | {
        "device": "cuda", "card": "A Card", "batch": 256, "size": (56, 56),
        "geometry": layer((3, 3), padding=(1, 1), cell=(64, 64)), "cells": 36,
        "dtype": torch.bfloat16,
    }  # fmt: skip
    with_triton, without = (
        chooser.Situation(**values | {"kernels": kernels}) for kernels in (True, False)
    )
    assert chooser.modelled(with_triton) in IMPLICIT
    assert chooser.modelled(without) in WAYS
    assert with_triton.key != without.key
    assert "A Card" in with_triton.key


def test_choices_may_name_the_ways() -> None:
    chooser.preset_choices(dict.fromkeys("ab", NAMES[0]))
    assert chooser.choices() == dict.fromkeys("ab", NAMES[0])
    with pytest.raises(InputError, match=NAMES[0]):
        chooser.preset_choices({"a": "another"})


@pytest.mark.parametrize("element", [2, 4])
@pytest.mark.parametrize("rows", [1, 49, 3136])
def test_tiles_are_what_cards_can_hold(element: int, rows: int) -> None:
    """Powers of two of at least 16, three stages of which fit 96 KiB of shared memory."""
    tiles = Tiles.of(rows, 576, 64, element)
    for size in tiles[:3]:
        assert size >= 16
        assert size & (size - 1) == 0
    assert (tiles.rows + tiles.columns) * tiles.deep * element * tiles.stages <= 96 * 2**10


def resnet_layer(batch: int = 64) -> tuple[Geometry, tuple[Tensor, Tensor, Tensor]]:
    """A layer of ResNet-18 in the operands that a network gives it."""
    geometry = layer((3, 3), padding=(1, 1), cell=(128, 64), blocks=(1, 2))
    x, alpha, cells = operands(geometry, (14, 14), batch=batch, cells=36, dtype=torch.float32)
    alpha = (alpha / alpha.abs().sum(-1, keepdim=True)).detach().requires_grad_()
    x = x.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    return geometry, (x, alpha, cells)


@pytest.mark.gpu
@pytest.mark.skipif(not GPU, reason="there is no CUDA device")
@pytest.mark.parametrize("name", [*NAMES, *sorted(WAYS)])
def test_on_a_gpu_bfloat16_is_near_double_precision(name: str) -> None:
    """Outputs to 2 %, gradients to 5 % of the largest value."""
    geometry, tensors = resnet_layer()
    exact = [tensor.detach().cpu().double().requires_grad_() for tensor in tensors]
    expected = textbook(exact[0], exact[1], exact[2], geometry)
    with torch.autocast("cuda", torch.bfloat16):
        y = way_of(name)(*tensors, geometry)
    grad = torch.ones_like(y)
    found = (y, *torch.autograd.grad(y, tensors, grad))
    wanted = (expected, *torch.autograd.grad(expected, exact, torch.ones_like(expected)))
    for got, want, most in zip(found, wanted, (0.02, 0.05, 0.05, 0.05), strict=True):
        assert (got.detach().cpu().double() - want).abs().max() <= most * want.abs().max()


@pytest.mark.gpu
@pytest.mark.skipif(not GPU, reason="there is no CUDA device")
def test_on_a_gpu_auto_has_the_kernels_to_choose_from() -> None:
    geometry, tensors = resnet_layer()
    with torch.autocast("cuda", torch.bfloat16):
        where = chooser.situation(*tensors, geometry)
    assert where.kernels
    assert where.card == torch.cuda.get_device_name()
    assert set(NAMES) <= {name for name, _ in chooser.ranked(where)}


@pytest.mark.gpu
@pytest.mark.skipif(not GPU, reason="there is no CUDA device")
@pytest.mark.parametrize("name", [*NAMES, "mix-inputs", "mix-outputs", "auto"])
def test_on_a_gpu_a_forward_pass_may_be_a_cuda_graph(name: str) -> None:
    """Nothing in it waits for the device: a replay gives what the pass gave."""
    config = NetworkConfig(backbone="resnet8", num_classes=3, in_channels=1)
    network = build(config, way=name).to(DEVICE).eval()
    images = torch.randn(8, 1, 40, 40, device=DEVICE)
    with torch.no_grad():
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            expected = network(images)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = network(images)
    graph.replay()
    torch.testing.assert_close(y, expected, rtol=1e-3, atol=1e-3)


COMPILE = """
import sys
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
from search_spaces.networks.ways import kernels

tensors = "x w y dx dw dy attention mixed dmixed dattention dpatches".split()
capability, kind, precision = int(sys.argv[1]), *sys.argv[2:4]
tiles = {"BM": 64, "BN": 64, "BK": 32, "CUT": True}
tiles |= {"SUM": kernels.SINGLE, "PRECISION": precision}
for name in sys.argv[4:]:
    function = getattr(kernels, name)
    signature, constants, aligned = {}, {}, {}
    for i, parameter in enumerate(function.params):
        if parameter.is_constexpr:
            signature[parameter.name] = "constexpr"
            constants[parameter.name] = tiles[parameter.name]
        elif parameter.name in ("OZ", "IZ", "SZ", "DZ", "LZ"):
            signature[parameter.name], constants[parameter.name] = "constexpr", 1
        else:
            signature[parameter.name] = "*" + kind if parameter.name in tensors else "i32"
            even = parameter.name in (*tensors, "a", "c")
            aligned[(i,)] = [["tt.divisibility", 16]] if even else []
    source = ASTSource(fn=function, signature=signature, constexprs=constants, attrs=aligned)
    options = {"num_warps": 4, "num_stages": 3}
    made = compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    assert made.asm["cubin"], name
    products = [line for line in made.asm["ptx"].splitlines() if "mma" in line]
    assert products or name == "fold" or (kind, precision) == ("fp32", "ieee"), name
    print(name, len(made.asm["cubin"]))
"""
KERNELS = [
    "convolve",
    "convolve_input_gradient",
    "convolve_kernel_gradient",
    "mix",
    "mix_attention_gradient",
    "mix_patches_gradient",
    "fold",
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("capability", "kind", "precision"),
    [(80, "bf16", "ieee"), (90, "bf16", "ieee"), (90, "fp32", "tf32"), (90, "fp32", "ieee")],
)
def test_every_kernel_compiles_for_tensor_cores(
    capability: int, kind: str, precision: str, tmp_path: object
) -> None:
    """To machine code of Ampere and Hopper, by the assembler that Triton brings."""
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path)}
    environment.pop("TRITON_INTERPRET", None)
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, str(capability), kind, precision, *KERNELS],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert [line.split()[0] for line in done.stdout.splitlines()] == KERNELS


def test_no_older_architecture_is_tried_than_was_compiled_for() -> None:
    assert CAPABILITY == (8, 0)
