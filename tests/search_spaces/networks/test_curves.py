"""A training computed in the chosen ways follows one computed in the textbook way."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F

from search_spaces import NetworkConfig
from search_spaces.networks import build, set_temperature

BATCH = 64


def first_epoch(way: str, dtype: torch.dtype, *, half: bool = False) -> Tensor:
    """Losses of the first epoch on the digits, from one seed."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=dtype).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    torch.manual_seed(0)
    config = NetworkConfig(backbone="resnet8", num_classes=10, in_channels=1, cell_num_ratio=1.0)
    network = build(config, way=way).to(dtype).train()
    set_temperature(network, 0.3)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    losses = []
    for batch in order.split(BATCH)[:-1]:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = F.cross_entropy(network(images[batch]).to(dtype), labels[batch])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.detach().double())
    return torch.stack(losses)


@pytest.fixture(scope="module")
def exact() -> Tensor:
    """The curve in double precision, textbook way."""
    return first_epoch("textbook", torch.float64)


@pytest.mark.parametrize("way", ["auto", "assemble", "mix-inputs", "mix-outputs"])
def test_a_curve_strays_as_far_as_the_textbook_way_does_by_rounding(
    way: str, exact: Tensor
) -> None:
    """Training amplifies rounding a thousandfold a step, so only sizes can be compared later on."""
    rounded, curve = first_epoch("textbook", torch.float32), first_epoch(way, torch.float32)
    assert (curve[:2] - exact[:2]).abs().max() <= 1e-5
    noise, strayed = ((c - exact).square().mean().sqrt() for c in (rounded, curve))
    assert strayed <= 3 * noise
    assert strayed <= 0.1 * exact[0]


def test_a_curve_in_bfloat16_falls_alike(exact: Tensor) -> None:
    half = first_epoch("auto", torch.float32, half=True)
    assert exact[-5:].mean() < 0.8 * exact[0]
    torch.testing.assert_close(half[-5:].mean(), exact[-5:].mean(), rtol=0, atol=0.3)
