"""Which parameters decay, and the optimiser."""

from collections.abc import Iterator

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from search_spaces.networks.attention import Attention
from trials.tasks.classification.recipe import Recipe

NORMS = (
    nn.modules.batchnorm._NormBase,  # noqa: SLF001  the only common root of batch and instance norms
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
)
KERNEL_AXES = 2
"""A kernel has output and input channels, at least."""

UNDECAYED_NAMES = frozenset(("bias", "layer_scale"))


def decay_groups(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Parameters that decay, and parameters that do not; each exactly once.

    Everything with a kernel's role decays: convolutions, linear layers, the cells of warehouses
    and the linear layers of their attention. Norms, biases, layer scales and whatever else has
    fewer than two axes do not: pulled towards 0 they lose scale or place without getting simpler.
    """
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for owner, name, parameter in _owned(network):
        off = parameter.ndim < KERNEL_AXES or name in UNDECAYED_NAMES or isinstance(owner, NORMS)
        (free if off else decayed).append(parameter)
    return decayed, free


def optimiser(network: nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimiser; the loop sets the learning rate of each group by step.

    Its groups are those of `decay_groups`, each without attention and, where attention has a
    learning rate of its own, attention's part of it. A group's ``factor`` is what the loop
    multiplies the learning rate by.
    """
    decayed, free = decay_groups(network)
    slow = attention_parameters(network) if recipe.attention_learning_rate != 1 else set()
    rates = ((False, 1.0), (True, recipe.attention_learning_rate))
    groups = [
        {"params": parameters, "weight_decay": decay, "factor": factor}
        for attention, factor in rates
        for kind, decay in ((decayed, recipe.weight_decay), (free, 0.0))
        if (parameters := [one for one in kind if (one in slow) is attention])
    ]
    if recipe.optimiser == "adamw":
        return AdamW(groups, lr=recipe.learning_rate)
    return SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.nesterov)


def attention_parameters(network: nn.Module) -> set[nn.Parameter]:
    """Everything that learns inside the attentions of a network."""
    attentions = (module for module in network.modules() if isinstance(module, Attention))
    return {parameter for attention in attentions for parameter in attention.parameters()}


def _owned(network: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Parameter]]:
    """Every trainable parameter once, with the module that owns it and its name there."""
    seen: set[nn.Parameter] = set()
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad and parameter not in seen:
                seen.add(parameter)
                yield module, name, parameter
