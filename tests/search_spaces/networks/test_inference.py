"""A network without gradients: the numbers of the textbook way, and nothing of it is changed."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from search_spaces.config import NetworkConfig
from search_spaces.networks import build
from search_spaces.networks.layer import KWConv, KWLinear
from search_spaces.networks.ways import WAYS


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
