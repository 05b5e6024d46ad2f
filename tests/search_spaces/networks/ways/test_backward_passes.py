"""Backward passes inside one another, interleaved, in threads and differentiated again."""

import threading

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from search_spaces.config import NetworkConfig
from search_spaces.networks import build
from search_spaces.networks.operator import KNOWN
from search_spaces.networks.ways.ledger import shared

NAMES = sorted(set(KNOWN) - {"measured"})
STEPS = (0, 2)
"""Blocks of the first stage that are checkpointed; the one between them is not."""


def network(way: str) -> nn.Module:
    """A network in float64 whose first stage is served by one warehouse."""
    torch.manual_seed(0)
    config = NetworkConfig(
        backbone="resnet20x0.25",
        num_classes=3,
        cell_num_ratio=0.25,
        sharing_range=("layer", "conv"),
    )
    return build(config, way=way).double().eval()


def images(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4, 3, 8, 8, dtype=torch.float64, generator=generator)


def gradients(module: nn.Module) -> dict[str, Tensor]:
    found = {name: p.grad for name, p in module.named_parameters() if p.grad is not None}
    module.zero_grad()
    return {name: grad for name, grad in found.items() if grad is not None}


def plain_gradients(seed: int = 0) -> dict[str, Tensor]:
    """What the textbook way finds in one undisturbed pass."""
    module = network("textbook")
    module(images(seed)).square().sum().backward()
    return gradients(module)


class Checkpointed(nn.Module):
    """Computes a block again in a backward pass inside the backward pass."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        done: Tensor = checkpoint(self.block, x, use_reentrant=True)
        return done


@pytest.mark.parametrize("name", NAMES)
def test_a_backward_pass_inside_another_changes_no_gradient(name: str) -> None:
    """Blocks that share a warehouse with others are computed again while gradients flow."""
    module = network(name)
    for at in STEPS:
        module.layer1[at] = Checkpointed(module.layer1[at])
    x = images().requires_grad_()
    module(x).square().sum().backward()
    got = {key.replace(".block", ""): grad for key, grad in gradients(module).items()}
    torch.testing.assert_close(got, plain_gradients(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_a_pass_that_starts_in_the_middle_of_another_changes_neither(name: str) -> None:
    """A hook between two layers of one warehouse differentiates the same graph, and another one."""
    module = network(name)
    inner: list[dict[str, Tensor]] = []
    other = module(images(1)).square().sum()

    def interrupt(_: Tensor) -> None:
        if not inner:
            inner.append({})
            parameters = dict(module.named_parameters())
            for goal in (loss, other):
                found = torch.autograd.grad(goal, list(parameters.values()), retain_graph=True)
                inner.append(dict(zip(parameters, found, strict=True)))

    def mark(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        output.register_hook(interrupt)

    handle = module.layer1[1].register_forward_hook(mark)
    loss = module(images()).square().sum()
    handle.remove()
    loss.backward(retain_graph=True)
    close = {"rtol": 1e-10, "atol": 1e-10}
    torch.testing.assert_close(gradients(module), plain_gradients(), **close)
    torch.testing.assert_close(inner[1], plain_gradients(), **close)
    torch.testing.assert_close(inner[2], plain_gradients(1), **close)


@pytest.mark.parametrize("name", NAMES)
def test_threads_that_differentiate_one_network_do_not_disturb_each_other(name: str) -> None:
    """Each thread has its own images; all of them share the warehouses."""
    module = network(name)
    parameters = dict(module.named_parameters())
    losses = [module(images(seed)).square().sum() for seed in range(4)]
    start, found = threading.Barrier(len(losses)), {}

    def differentiate(seed: int) -> None:
        start.wait()
        grads = torch.autograd.grad(losses[seed], list(parameters.values()), retain_graph=True)
        found[seed] = dict(zip(parameters, grads, strict=True))

    threads = [threading.Thread(target=differentiate, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(4):
        torch.testing.assert_close(found[seed], plain_gradients(seed), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_can_be_differentiated_again(name: str) -> None:
    """The gradient of a penalty on gradients is the textbook way's."""

    def second(way: str) -> dict[str, Tensor]:
        module = network(way)
        x = images().requires_grad_()
        (slope,) = torch.autograd.grad(module(x).square().sum(), x, create_graph=True)
        slope.square().sum().backward()
        return gradients(module)

    torch.testing.assert_close(second(name), second("textbook"), rtol=1e-10, atol=1e-10)


def test_a_pass_that_does_not_reach_the_cells_leaves_no_buffer_behind() -> None:
    module = network("mix-inputs")
    kept = [m for m in module.modules() if hasattr(m, "warehouse")]
    x = images().requires_grad_()
    loss = module(x).square().sum()
    torch.autograd.grad(loss, x, retain_graph=True)
    for layer in kept:
        assert shared(layer.warehouse.cells).__dict__["ledger"]._totals == {}
