"""A moving average follows its network and is never trained."""

import torch
from torch import nn

from trials.tasks.classification.average import Average
from trials.tasks.classification.noise import set_noise
from trials.tasks.classification.recipe import small_images


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


def test_no_decay_is_no_average() -> None:
    assert Average.of(network(), 0.0) is None


def test_an_average_of_what_stands_still_is_what_it_was() -> None:
    net = network()
    average = Average.of(net, 0.9)
    assert average is not None
    for step in range(1, 5):
        average.follow(net, step)
    for name, value in net.state_dict().items():
        torch.testing.assert_close(average.network.state_dict()[name], value)
    assert not any(p.requires_grad for p in average.network.parameters())
    assert all(p.requires_grad for p in net.parameters())


def test_an_average_forgets_at_its_decay_and_quicker_in_the_beginning() -> None:
    net = network()
    average = Average.of(net, 0.9)
    assert average is not None
    start = net[0].weight.detach().clone()
    with torch.no_grad():
        net[0].weight.add_(1)
    average.follow(net, 1)
    torch.testing.assert_close(average.network[0].weight, start + 1 - 2 / 11)
    for step in range(2, 300):
        average.follow(net, step)
    torch.testing.assert_close(average.network[0].weight, net[0].weight.detach())
    with torch.no_grad():
        net[0].weight.add_(1)
        net[1].num_batches_tracked.fill_(7)
    average.follow(net, 300)
    torch.testing.assert_close(average.network[0].weight, net[0].weight.detach() - 0.9)
    assert average.network[1].num_batches_tracked == 7


def test_noise_grows_with_depth_where_a_network_has_it() -> None:
    from torchvision.ops import StochasticDepth  # noqa: PLC0415 - for this test alone

    net = nn.Sequential(*(StochasticDepth(0.0, "row") for _ in range(5)), nn.Dropout(0.0))
    set_noise(net, small_images(5).changed(drop_path=0.2, dropout=0.3))
    assert [block.p for block in net[:5]] == [0.0, 0.05, 0.1, 0.2 * 3 / 4, 0.2]
    assert net[5].p == 0.3
    set_noise(net, small_images(5))
    assert net[5].p == 0.3
