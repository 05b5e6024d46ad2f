"""Tables describe torchvision's networks layer by layer, and the published networks build."""

from functools import partial
from math import prod

import pytest
import torch
from torch import Tensor, nn

from search_spaces import NetworkConfig, count
from search_spaces.backbones import shipped
from search_spaces.networks import build
from search_spaces.networks.backbones import plain_network
from search_spaces.published import KNOWN, published

TABLES = (
    "resnet18",
    "resnet50",
    "mobilenetv2",
    "mobilenetv2-late",
    "mobilenetv2-050",
    "mobilenetv2-050-late",
    "convnext-tiny",
)


def weight_of(network: nn.Module, path: str) -> Tensor:
    """The weight of one layer."""
    weight = network.get_submodule(path).weight
    assert isinstance(weight, Tensor)
    return weight


def outputs_of(network: nn.Module, images: Tensor) -> dict[str, tuple[int, ...]]:
    """Shape of what every convolution and linear layer puts out, by module path."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(path: str, _module: nn.Module, _given: object, made: Tensor) -> None:
        shapes[path] = tuple(made.shape)

    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(partial(note, path))
    network(images)
    return shapes


@pytest.mark.parametrize("in_channels", [1, 3])
@pytest.mark.parametrize("name", TABLES)
def test_tables_describe_the_networks(name: str, in_channels: int) -> None:
    """Parameters, MACs, weights of the sites and their positions, at a size unlike the usual."""
    table = shipped(name, 10, in_channels, (96, 64))
    with torch.device("meta"):
        network = plain_network(table)
        shapes = outputs_of(network, torch.empty(2, in_channels, 96, 64))
    assert sum(p.numel() for p in network.parameters()) == table.params
    filters = {path: prod(weight_of(network, path).shape[1:]) for path in shapes}
    assert sum(filters[path] * prod(shapes[path]) for path in shapes) == 2 * table.macs
    for site in table.sites:
        assert weight_of(network, site.name).numel() == site.weight_params
        assert prod(shapes[site.name]) == 2 * site.positions * site.out_channels


@pytest.mark.parametrize("classes", [10, 1000])
@pytest.mark.parametrize("name", sorted(KNOWN))
def test_published_networks_build_as_counted(name: str, classes: int) -> None:
    """Parameters of the module are those counted."""
    config = published(name).model_copy(update={"num_classes": classes})
    with torch.device("meta"):
        network = build(config)
    assert sum(p.numel() for p in network.parameters()) == count(config).params


@pytest.mark.parametrize("name", ["kw1d2x_mobilenetv2_050", "kw1x_convnext_tiny", "kw4x_deit_tiny"])
def test_every_parameter_learns(name: str) -> None:
    """One step backward reaches plain layers, cells and attention with finite gradients."""
    torch.manual_seed(0)
    network = build(published(name).model_copy(update={"num_classes": 10}))
    network(torch.randn(2, 3, 32, 32)).square().mean().backward()
    gradients = {path: p.grad for path, p in network.named_parameters()}
    assert [path for path, g in gradients.items() if g is None or not g.isfinite().all()] == []


@pytest.mark.parametrize("name", [*TABLES, "deit-tiny"])
def test_nothing_random_happens_in_a_forward_pass(name: str) -> None:
    """Dropout and stochastic depth are left to the training recipe."""
    network = build(NetworkConfig(backbone=name, num_classes=10, sharing_range=("layer",)))
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(network(images), network(images))
