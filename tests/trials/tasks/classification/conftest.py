"""Digits, prepared once for all tests of training, and a small network for them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from trials.tasks.classification.data import Prepared, TrainingData, for_proxy, prepare


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    cache = tmp_path_factory.mktemp("cache")
    return prepare("digits", image_size=None, folder=None, cache=cache)


@pytest.fixture(scope="session")
def digits_data(digits: Prepared) -> TrainingData:
    return for_proxy(digits, seed=0)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def tiny_network() -> Callable[[int], nn.Module]:
    """Two convolutions with batch norm, and dropout, which draws from torch's global generator."""

    def make(seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1, bias=False),
                nn.BatchNorm2d(16),
                nn.ReLU(),
                nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(32),
                nn.ReLU(),
                nn.Flatten(),
                nn.Dropout(0.1),
                nn.Linear(32 * 16, 10),
            )

    return make
