"""Which parameters decay."""

import torch
from torch import nn
from torchvision.models import convnext_tiny

from search_spaces import NetworkConfig
from search_spaces.networks import build
from trials.tasks.classification.optimiser import attention_parameters, decay_groups, optimiser
from trials.tasks.classification.recipe import small_images


def names(network: nn.Module) -> tuple[set[str], set[str]]:
    """Names of the parameters that decay and of those that do not."""
    known = {parameter: name for name, parameter in network.named_parameters()}
    decayed, free = decay_groups(network)
    assert len(decayed) + len(free) == len(known)
    return {known[parameter] for parameter in decayed}, {known[parameter] for parameter in free}


def test_kernels_decay_and_norms_and_biases_do_not() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.LayerNorm((4, 6, 6)))
    assert names(network) == ({"0.weight"}, {"0.bias", "1.weight", "1.bias", "2.weight", "2.bias"})


def test_cells_and_the_linears_of_attention_decay() -> None:
    """One cell decays too, and a shared warehouse is counted once."""
    network = build(NetworkConfig(backbone="resnet8", num_classes=10, cell_num_ratio=0.01))
    decayed, free = names(network)
    kernels = {name for name, tensor in network.named_parameters() if tensor.ndim > 1}
    assert decayed == kernels
    assert any("cells" in name for name in decayed)
    assert any("attention" in name for name in decayed)
    assert all(name.endswith(("weight", "bias")) for name in free)


def test_layer_scales_do_not_decay() -> None:
    with torch.device("meta"):
        decayed, free = names(convnext_tiny())
    assert sum("layer_scale" in name for name in free) == 18
    assert not any("layer_scale" in name for name in decayed)


def test_frozen_parameters_are_in_neither_group() -> None:
    layer = nn.Linear(2, 2)
    layer.bias.requires_grad = False
    decayed, free = decay_groups(layer)
    assert (len(decayed), free) == (1, [])


def test_a_step_without_gradient_shrinks_kernels_alone() -> None:
    """Closed form: w - lr * decay * w, as nothing but decay pulls."""
    recipe = small_images(5).changed(momentum=0.0, nesterov=False, weight_decay=0.5)
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    before = {name: tensor.detach().clone() for name, tensor in network.named_parameters()}
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser(network, recipe).step()
    after = dict(network.named_parameters())
    torch.testing.assert_close(after["0.weight"], before["0.weight"] * (1 - 0.1 * 0.5))
    for name in ("0.bias", "1.weight", "1.bias"):
        assert torch.equal(after[name], before[name])


def test_attention_has_groups_of_its_own_where_its_rate_differs() -> None:
    """Every parameter is in one group, with its decay, and attention's factor is the recipe's."""
    network = build(NetworkConfig(backbone="resnet8x0.25", num_classes=10))
    recipe = small_images(5).changed(attention_learning_rate=0.25)
    slow = attention_parameters(network)
    names = {parameter: name for name, parameter in network.named_parameters()}
    assert {names[one] for one in slow} == {name for name in names.values() if "attention" in name}
    decayed = set(decay_groups(network)[0])
    seen: list[nn.Parameter] = []
    for group in optimiser(network, recipe).param_groups:
        assert {one in slow for one in group["params"]} == {group["factor"] == 0.25}
        assert {one in decayed for one in group["params"]} == {group["weight_decay"] > 0}
        seen += group["params"]
    assert len(seen) == len(names)
    assert set(seen) == set(names)


def test_where_attention_learns_as_fast_as_the_rest_the_groups_are_two() -> None:
    """Their order is what checkpoints know moments by."""
    network = build(NetworkConfig(backbone="resnet8x0.25", num_classes=10))
    groups = optimiser(network, small_images(5)).param_groups
    assert [group["params"] for group in groups] == [*decay_groups(network)]
    assert {group["factor"] for group in groups} == {1.0}
