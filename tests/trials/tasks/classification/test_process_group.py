"""Two real processes over gloo: gradients are means, buffers stay where they are."""

import os

import pytest
import torch
from torch import distributed as dist
from torch import nn
from torch.multiprocessing.spawn import spawn

from search_spaces import NetworkConfig
from search_spaces.networks import build
from trials.tasks.classification.process_group import ProcessGroup


def network():
    torch.manual_seed(0)
    config = NetworkConfig(
        backbone="resnet8x0.25", num_classes=4, in_channels=1, sharing_range=("layer", "conv")
    )
    return build(config).eval()


def images(rank):
    return torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(rank))


def loss(module, rank):
    return module(images(rank)).square().sum()


def work(rank, folder):
    """One backward pass of two processes, whose buffers are told apart by a running mean."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    try:
        mine = network()
        learning = ProcessGroup(rank, 2).wrapped(mine)
        mine.bn1.num_batches_tracked.fill_(rank)
        for _ in range(2):
            mine.zero_grad()
            loss(learning, rank).backward()
        found = {
            "gradients": [p.grad for p in mine.parameters()],
            "buffer": mine.bn1.num_batches_tracked,
        }
        torch.save(found, os.path.join(folder, f"{rank}.pt"))  # noqa: PTH118 - a child process
    finally:
        dist.destroy_process_group()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("group")
    spawn(work, args=(str(folder),), nprocs=2)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


def test_buffers_are_not_sent(found):
    assert [int(part["buffer"]) for part in found] == [0, 1]


def test_gradients_are_means_over_processes(found):
    module = network()
    ((loss(module, 0) + loss(module, 1)) / 2).backward()
    for part in found:
        for got, parameter in zip(part["gradients"], module.parameters(), strict=True):
            torch.testing.assert_close(got, parameter.grad)


def test_one_process_trains_the_network_itself():
    module = nn.Linear(1, 1)
    assert ProcessGroup().wrapped(module) is module
