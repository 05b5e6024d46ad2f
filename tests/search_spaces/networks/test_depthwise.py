"""A network of depthwise layers and squeeze-and-excitation learns when served.

Where half as many cells as mixtures serve depthwise layers, a kernel of nine places is made of four
numbers a channel, and learns later than nine numbers do, with or without attention
(``docs/own-network.md`` has what was measured). Losses of single steps jump by a factor of two, so
geometric means over many steps are compared. Without assigned cells the loss is 17 times the bound.
"""

from copy import deepcopy
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from search_spaces import NetworkConfig, plan_network
from search_spaces.networks import assign_cells, build
from search_spaces.networks.attention import Attention
from search_spaces.networks.tracing import trace

STEPS, SEEDS, RATE, LAST = 150, (0, 1, 2), 0.1, 50
SLOWER = 0.1
"""The attention's learning rate, as a share: what studies use unless told otherwise."""


class Squeeze(nn.Module):
    """Weights channels by what all positions hold together."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(channels // 4, 4)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, narrow, 1),
            nn.ReLU(),
            nn.Conv2d(narrow, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        weighed: Tensor = x * self.weigh(x)
        return weighed


class Block(nn.Module):
    """Expand, convolve each channel for itself, weigh, project; residual where sizes agree."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        wide = 4 * before
        self.residual = stride == 1 and before == after
        self.layers = nn.Sequential(
            nn.Conv2d(before, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
            Squeeze(wide),
            nn.Conv2d(wide, after, 1, bias=False),
            nn.BatchNorm2d(after),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        *(Block(*sizes) for sizes in ((8, 8, 1), (8, 16, 2), (16, 16, 1), (16, 32, 2))),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


def losses(module: nn.Module, seed: int) -> list[float]:
    """Cross-entropy of each step of a training on the digits, as a study's proxy trains."""
    table = load_digits()
    images = torch.tensor(table.images, dtype=torch.float32).unsqueeze(1)
    images, labels = (images - images.mean()) / images.std(), torch.tensor(table.target)
    slow = {id(p) for m in module.modules() if isinstance(m, Attention) for p in m.parameters()}
    parts = [
        {"params": [p for p in module.parameters() if (id(p) in slow) is own], "lr": rate}
        for own, rate in ((False, RATE), (True, RATE * SLOWER))
    ]
    step = torch.optim.SGD(
        [part for part in parts if part["params"]], momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    generator, found = torch.Generator().manual_seed(seed), []
    for _ in range(STEPS):
        chosen = torch.randint(0, len(images), (64,), generator=generator)
        loss = nn.functional.cross_entropy(module(images[chosen]), labels[chosen])
        step.zero_grad()
        loss.backward()
        step.step()
        found.append(loss.item())
    return found


@cache
def plain(seed: int) -> tuple[nn.Module, np.ndarray]:
    """The plain network as it starts, and the logarithms of its losses."""
    torch.manual_seed(seed)
    started = network()
    return started, np.log(losses(deepcopy(started), seed))


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    ("ratio", "depthwise", "pace"),
    [(0.5, False, 1.5), (1.0, False, 1.5), (1.0, True, 2.0), (0.5, True, 2.0)],
)
def test_served_it_learns_as_the_plain_one_does(ratio: float, depthwise: bool, pace: float) -> None:  # noqa: FBT001 - a parameter of pytest
    """No step is NaN, and it needs at most so many times the steps for the plain one's loss."""
    table = trace(
        network(), name="x:y", num_classes=10, in_channels=1, input_size=(8, 8),
        spare_depthwise=not depthwise,
    )  # fmt: skip
    config = NetworkConfig(
        backbone="x:y", num_classes=10, in_channels=1, cell_num_ratio=ratio, sharing_range=()
    )
    plan, end, gaps = plan_network(config, table), round(STEPS / pace), []
    for seed in SEEDS:
        started, usual = plain(seed)
        torch.manual_seed(seed)
        served = build(plan, network=started)
        assign_cells(served)
        curve = np.log(losses(served, seed))
        assert np.isfinite(curve).all(), seed
        gaps.append(np.mean(curve[-LAST:]) - np.mean(usual[end - LAST : end]))
    assert np.mean(gaps) <= 0, gaps
