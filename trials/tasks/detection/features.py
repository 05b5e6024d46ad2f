"""The stages of a network that a feature pyramid stands on, found by running it once."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torchvision.models.feature_extraction import create_feature_extractor

from search_spaces.errors import InputError
from search_spaces.networks.layer import KWConv, KWLinear

MOST_LEVELS = 4
LEAST_STRIDE = 2
"""Maps of all pixels are left out: they cost most and tell least."""

_PROBE = 128
"""Edge of the image that a network is run on, in pixels."""

_SPLIT = 3
"""Resolutions inside a module from which its children are looked at instead."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The last module of a resolution.

    Attributes:
        name: of the module.
        channels: of its output.
        stride: pixels of the image to one of its output.
    """

    name: str
    channels: int
    stride: int


def stages_of(network: nn.Module, in_channels: int) -> tuple[Stage, ...]:
    """Stages of strides 2 or more, at most four of them, the finest first.

    A stage is the last module on the way through the network at its resolution. Of a ResNet they
    are ``layer1`` to ``layer4``, at strides 4, 8, 16 and 32.

    Raises:
        InputError: no module has maps of such a resolution.
    """
    shapes: dict[str, tuple[int, int]] = {}

    def kept(name: str) -> object:
        def hook(_: nn.Module, __: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] > 1:  # noqa: PLR2004 - axes
                shapes[name] = (output.shape[1], output.shape[-1])

        return hook

    hooks = [
        module.register_forward_hook(kept(name)) for name, module in network.named_modules() if name
    ]
    training = {module: module.training for module in network.modules()}
    device = next(network.parameters()).device
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, in_channels, _PROBE, _PROBE, device=device))
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in training.items():
            module.training = mode
    found: dict[int, Stage] = {}
    for name in _way(network, "", shapes):
        channels, edge = shapes[name]
        found[_PROBE // edge] = Stage(name, channels, _PROBE // edge)
    usable = sorted((s for s in found.values() if s.stride >= LEAST_STRIDE), key=_stride)
    if not usable:
        raise InputError(
            f"{type(network).__name__} has no maps of fewer pixels than the image, on which a "
            "detector could stand.",
            "Take a backbone that lowers the resolution, such as resnet20 or resnet50.",
        )
    return tuple(usable[-MOST_LEVELS:])


def extractor(network: nn.Module, stages: tuple[Stage, ...]) -> fx.GraphModule:
    """What gives the maps of the stages, by ``"0"``, ``"1"``, ...; it shares the network's modules.

    Raises:
        InputError: the network's forward pass cannot be traced.
    """
    nodes = {stage.name: str(index) for index, stage in enumerate(stages)}
    try:
        taken: fx.GraphModule = create_feature_extractor(
            network,
            return_nodes=nodes,
            tracer_kwargs={"leaf_modules": [KWConv, KWLinear]},
            suppress_diff_warning=True,
        )
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(
            f"The stages of {type(network).__name__} cannot be taken out: torch.fx says {reason}",
            "Keep decisions on the content of tensors out of its forward pass.",
        ) from error
    return taken


def _stride(stage: Stage) -> int:
    return stage.stride


def _way(module: nn.Module, prefix: str, shapes: dict[str, tuple[int, int]]) -> Iterator[str]:
    """Names of modules with maps, those inside of one of many resolutions instead of it."""
    for name, child in module.named_children():
        full = f"{prefix}{name}"
        inside = {
            shapes[f"{full}.{inner}"][1]
            for inner, _ in child.named_modules()
            if f"{full}.{inner}" in shapes
        }
        if len(inside) >= _SPLIT and not isinstance(child, KWConv):
            yield from _way(child, f"{full}.", shapes)
        elif full in shapes:
            yield full
