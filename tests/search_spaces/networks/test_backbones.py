"""Plain networks are what their tables say: sites, shapes, parameters, output."""

import pytest
import torch
from torch import nn

from search_spaces import InputError, NetworkConfig
from search_spaces.backbones import names, shipped
from search_spaces.networks import build
from search_spaces.networks.backbones import CifarResNet, PaddedShortcut, plain_network
from search_spaces.sites import Backbone

TABLES = ("resnet8", "resnet20", "resnet56", "resnet20x2", "resnet8x0.5", "resnet18")
RESNETS = (*TABLES, "resnet18-small", "resnet50")


@pytest.mark.parametrize("name", RESNETS)
@pytest.mark.parametrize(("classes", "channels"), [(10, 1), (1000, 3)])
def test_a_table_counts_its_plain_network(name: str, classes: int, channels: int) -> None:
    """Parameters in total, and every site's weight under the site's name."""
    table = shipped(name, classes, channels)
    with torch.device("meta"):
        network = plain_network(table)
    assert sum(p.numel() for p in network.parameters()) == table.params
    weights = network.state_dict()
    for site in table.sites:
        assert tuple(weights[f"{site.name}.weight"].shape) == site.weight_shape


@pytest.mark.parametrize("name", ["resnet8", "resnet18-small", "resnet18"])
def test_macs_of_the_sites_are_those_that_a_forward_pass_makes(name: str) -> None:
    """Output positions of every site, seen by hooks at the table's input size."""
    table = shipped(name, 10, 3, (64, 64))
    network = plain_network(table).eval()
    seen: dict[str, int] = {}

    def hook(path: str) -> None:
        def note(_: nn.Module, __: object, y: torch.Tensor) -> None:
            seen[path] = y[0, 0].numel()

        network.get_submodule(path).register_forward_hook(note)

    for site in table.sites:
        hook(site.name)
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 10)
    assert seen == {site.name: site.positions for site in table.sites}


def test_padded_shortcut_keeps_values_and_adds_zeros() -> None:
    """Every second row and column, zeros before and after the channels."""
    x = torch.randn(2, 3, 5, 4)
    y = PaddedShortcut(added=3, stride=2)(x)
    assert y.shape == (2, 6, 3, 2)
    assert torch.equal(y[:, 1:4], x[:, :, ::2, ::2])
    assert not y[:, [0, 4, 5]].any()


def test_a_cifar_resnet_has_the_published_size() -> None:
    """He et al. 2016, table 6: 0.27M parameters at depth 20, 0.85M at depth 56."""
    for depth, millions in ((20, 0.27), (32, 0.46), (56, 0.85)):
        network = CifarResNet(depth, 16, 10, 3)
        assert round(sum(p.numel() for p in network.parameters()) / 1e6, 2) == millions


@pytest.mark.parametrize("name", ["resnet8", "resnet18", "resnet18-small"])
def test_a_served_network_takes_images_of_any_size(name: str) -> None:
    """One forward pass in each of two sizes."""
    network = build(NetworkConfig(backbone=name, num_classes=7, in_channels=1)).eval()
    with torch.no_grad():
        for size in (32, 40):
            assert network(torch.zeros(2, 1, size, size)).shape == (2, 7)


def test_every_shipped_table_has_its_network() -> None:
    """Whatever can be counted by name can be built by name."""
    with torch.device("meta"):
        for name in names():
            table = shipped(name)
            assert sum(p.numel() for p in plain_network(table).parameters()) == table.params


def test_a_table_without_a_network_is_refused() -> None:
    """The nearest name is offered."""
    table = Backbone("resnet81", 10, 3, (32, 32), (), 0, 0)
    with pytest.raises(InputError, match="Did you mean 'resnet18'"):
        plain_network(table)
