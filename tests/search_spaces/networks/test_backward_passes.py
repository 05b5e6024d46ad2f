"""However backward passes nest, interleave or run in threads, gradients are the textbook way's."""

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import cache
from itertools import cycle
from threading import Barrier
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from search_spaces import NetworkConfig
from search_spaces.networks import build, chooser
from search_spaces.networks.layer import KWConv
from search_spaces.networks.ways import WAYS

Gradients = tuple[Tensor, ...]

NAMES = ["auto", *sorted(WAYS)]


@pytest.fixture(params=NAMES)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every way by name; ``auto`` takes each of them in turn, so that one pass mixes all."""
    turns = {}
    names = cycle(sorted(WAYS))

    def in_turn(where: chooser.Situation) -> str:
        return turns.setdefault(where.geometry, next(names))

    monkeypatch.setattr(chooser, "modelled", in_turn)
    return str(request.param)


def served(way: str) -> nn.Module:
    """A small network in double precision, whose warehouses serve several layers each."""
    torch.manual_seed(0)
    config = NetworkConfig(
        backbone="resnet8x0.25",
        num_classes=4,
        in_channels=1,
        cell_num_ratio=0.7,
        cell_outplane_ratio=0.5,
        sharing_range=("layer", "conv", "pwconv"),
    )
    return build(config, way=way).double()


def images(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 1, 8, 8, dtype=torch.float64, generator=generator)


def loss(network: nn.Module, seed: int = 0) -> Tensor:
    value: Tensor = network(images(seed).requires_grad_()).square().sum()
    return value


@cache
def wanted(*seeds: int) -> Gradients:
    """The sum of the textbook way's gradients for these images, from plain backward passes."""
    network = served("textbook")
    total = torch.stack([loss(network, seed) for seed in seeds or (0,)]).sum()
    return torch.autograd.grad(total, list(network.parameters()))


def gathered(network: nn.Module) -> Gradients:
    """What backward passes left at the parameters."""
    assert all(p.grad is not None for p in network.parameters())
    return tuple(p.grad for p in network.parameters() if p.grad is not None)


def assert_equal(got: Gradients, expected: Gradients) -> None:
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


class Checkpointed(nn.Module):
    """A part whose forward pass is run again inside the backward pass."""

    def __init__(self, part: nn.Module, *, reentrant: bool) -> None:
        super().__init__()
        self.part, self.reentrant = part, reentrant

    def forward(self, x: Tensor) -> Any:
        """What ``part`` gives."""
        return checkpoint(self.part, x, use_reentrant=self.reentrant)


def layers(network: nn.Module) -> list[str]:
    return [name for name, module in network.named_modules() if isinstance(module, KWConv)]


@pytest.mark.parametrize(
    ("which", "reentrant"),
    [("middle", True), ("every", True), ("nested", True), ("middle", False), ("every", False)],
)
@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")  # inside an outer one
def test_parts_may_be_checkpointed(way: str, which: str, reentrant: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    network = served(way)
    paths = {
        "middle": ["layer1.0.conv2"],
        "every": layers(network),
        "nested": ["layer1.0.conv2", "layer1.0", "layer2.0.conv1", "layer2"],
    }
    for path in paths[which]:
        part = network.get_submodule(path)
        network.set_submodule(path, Checkpointed(part, reentrant=reentrant))
    torch.autograd.backward(loss(network))
    assert_equal(gathered(network), wanted())


def test_a_backward_pass_may_run_inside_another(way: str) -> None:
    """Run from a hook in mid-network: of the same graph, and of another one through the cells."""
    network = served(way)
    inner, entered = loss(network, 1), []

    def nested(_: object, __: object, output: Tensor) -> None:
        def hook(_: Tensor) -> None:
            if not entered:
                entered.append(True)
                torch.autograd.backward(outer, retain_graph=True)
                torch.autograd.backward(inner)

        output.register_hook(hook)

    handle = network.get_submodule("layer2.0.conv1").register_forward_hook(nested)
    outer = loss(network)
    handle.remove()
    torch.autograd.backward(outer, retain_graph=True)
    assert entered
    assert_equal(gathered(network), wanted(0, 0, 1))


def test_a_graph_may_be_gone_through_again_and_again(way: str) -> None:
    """With another graph's backward passes in between, whole ones and some that stop early."""
    network = served(way)
    first, second = loss(network), loss(network, 1)
    parameters = list(network.parameters())
    for _ in range(2):
        assert_equal(torch.autograd.grad(first, parameters, retain_graph=True), wanted())
        torch.autograd.grad(first, parameters[:1], retain_graph=True)
        assert_equal(torch.autograd.grad(second, parameters, retain_graph=True), wanted(1))


class _BrokenOffError(Exception):
    """Raised in the middle of a backward pass."""


def test_a_backward_pass_that_is_broken_off_leaves_nothing_behind(way: str) -> None:
    network = served(way)

    def fail(_: Tensor) -> None:
        raise _BrokenOffError

    def failing(_: object, __: object, output: Tensor) -> None:
        output.register_hook(fail)

    handle = network.get_submodule("layer1.0.conv1").register_forward_hook(failing)
    broken = loss(network)
    handle.remove()
    whole = loss(network)
    for _ in range(2):
        with pytest.raises(_BrokenOffError):
            torch.autograd.backward(broken, retain_graph=True)
        network.zero_grad()
    torch.autograd.backward(whole)
    assert_equal(gathered(network), wanted())


@pytest.mark.parametrize("shared", [True, False], ids=["one network", "copies"])
def test_threads_may_go_backward_at_once(way: str, *, shared: bool) -> None:
    """Three threads, each its own images, through one network or through copies of it."""
    network = served(way)
    networks = [network if shared else deepcopy(network) for _ in range(3)]
    barrier = Barrier(len(networks))

    def work(seed: int) -> list[Gradients]:
        mine = networks[seed]
        found = []
        for _ in range(2):
            barrier.wait(60)
            value = loss(mine, seed)
            barrier.wait(60)
            found.append(torch.autograd.grad(value, list(mine.parameters())))
        return found

    with ThreadPoolExecutor(len(networks)) as pool:
        for seed, found in enumerate(pool.map(work, range(len(networks)))):
            for gradients in found:
                assert_equal(gradients, wanted(seed))


def buffers() -> int:
    """Tensors of this process that are as large as the cells of `served`'s first warehouse."""
    gc.collect()
    shape = next(m for m in served("textbook").modules() if isinstance(m, KWConv))
    cells = shape.warehouse.cells
    return sum(type(o) is Tensor and o.shape == cells.shape for o in gc.get_objects())


def test_passes_that_never_reach_the_cells_keep_no_memory() -> None:
    """Gradients of images alone, twenty times over one graph; passes that fail keep none either."""
    network = served("mix-inputs")
    x = images().requires_grad_()
    value = network(x).square().sum()
    torch.autograd.grad(value, x, retain_graph=True)
    before = buffers()
    for _ in range(20):
        torch.autograd.grad(value, x, retain_graph=True)
    assert buffers() <= before


def twice(network: nn.Module) -> Callable[[], Gradients]:
    """Gradients of the squared gradient of the images, as a penalty on gradients asks for."""

    def gradients() -> Gradients:
        x = images().requires_grad_()
        (slope,) = torch.autograd.grad(network(x).square().sum(), x, create_graph=True)
        parameters = [p for p in network.parameters() if p is not network.get_parameter("fc.bias")]
        return torch.autograd.grad(slope.square().sum(), parameters)

    return gradients


def test_gradients_of_gradients_are_computed(way: str) -> None:
    assert_equal(twice(served(way))(), twice(served("textbook"))())
