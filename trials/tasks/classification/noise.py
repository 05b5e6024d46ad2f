"""Noise inside a network: stochastic depth and dropout, where it has them."""

from torch import nn
from torchvision.ops import StochasticDepth

from trials.tasks.classification.recipe import Recipe


def set_noise(network: nn.Module, recipe: Recipe) -> None:
    """Set how often blocks are skipped and features dropped, in place.

    Blocks are skipped more often the deeper they lie, from 0 to ``recipe.drop_path`` (Huang et al.
    2016). A rate of 0 leaves the network's own.
    """
    blocks = [module for module in network.modules() if isinstance(module, StochasticDepth)]
    for index, block in enumerate(blocks):
        if recipe.drop_path:
            block.p = recipe.drop_path * index / max(len(blocks) - 1, 1)
    for module in network.modules():
        if isinstance(module, nn.Dropout) and recipe.dropout:
            module.p = recipe.dropout
