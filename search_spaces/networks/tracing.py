"""Any network as a table of sites: `trace`.

Layers are looked at in the network itself, positions in one forward pass of a copy. Stages are
resolutions, and those are read at a size of at least 224 pixels where the network takes one, so
that the sites of a network do not depend on the images of a study.

- **Stage**: the output stride. A layer that lowers the resolution and changes the channels is
  handed to the stage that it leaves, as in the published ResNets, so that channels match there.
- **Layer** (block): the outermost module around the site that is no plain container (a subclass of
  `Sequential`, `ModuleList` or `ModuleDict`) and does not itself hold two or more blocks.
- **Group**: ``dwconv`` where every input channel is a group of its own, ``pwconv`` for dense 1x1
  convolutions and for linear layers over tokens, ``conv`` for the rest; indices count inside a
  block.

Plain unless given an address: the first convolution, the layer that makes the logits, linear layers
on pooled features, 1x1 layers on one position (squeeze and excitation), and, in networks named by a
person, depthwise convolutions whose attention alone has more parameters than they have. Always
plain, with the reason told: layers that cells cannot stand in for, that are called more than once
or never, or that share a weight.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log2, prod

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from search_spaces.config import NetworkConfig
from search_spaces.errors import plural
from search_spaces.networks.geometry import obstacle
from search_spaces.networks.observing import Seen, Size, observe, observe_large, weighted
from search_spaces.overrides import overridden
from search_spaces.sites import Address, AttentionNorm, Backbone, Site
from search_spaces.warehouse import plan_network

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_AXES = 2


@dataclass(frozen=True, slots=True)
class _Layer:
    """One weighted layer: where it stands, and what it did at the study's size and at a large one.

    ``large`` holds the structure; its input has ``pixels`` positions.
    """

    path: str
    module: nn.Module
    seen: Seen
    large: Seen
    pixels: int


def trace(
    module: nn.Module,
    *,
    name: str,
    num_classes: int,
    in_channels: int,
    input_size: Size,
    exclude: Iterable[str] = (),
    addresses: Mapping[str, str] | None = None,
    spare_depthwise: bool = False,
) -> Backbone:
    """Describe a network by running it once; it is left as it is.

    Args:
        module: takes images ``[B, in_channels, H, W]`` and gives logits ``[B, num_classes]``.
        name: what the table is called, ``"package.module:function"``.
        num_classes: outputs of the classifier.
        in_channels: channels of an input image.
        input_size: height and width in pixels, for output positions and MACs.
        exclude: patterns of module paths that stay plain; see `search_spaces.overrides`.
        addresses: addresses by module path, in place of those found here.
        spare_depthwise: whether depthwise layers stay plain, unless given an address, where the
            attention of a warehouse of their own would have more parameters than they have.

    Returns:
        A table whose ``params`` are those of the network. MACs are those of all its products of
        matrices and convolutions, those called as functions included, as `torch.utils.flop_counter`
        sees them.

    Raises:
        InputError: the network does not take such images or give such logits, or an override
            speaks of a layer that is not there.
        InfeasibleError: there is nothing that a warehouse could serve, or a layer is lazy.
    """
    ask = {"in_channels": in_channels, "num_classes": num_classes}
    seen, macs = observe(module, input_size=input_size, **ask)
    large = observe_large(module, input_size=input_size, **ask)
    factor = -(-224 // min(input_size)) if large is not None else 1
    large, pixels = large or seen, prod(input_size) * factor**_AXES
    unserved = dict(_unservable(module, seen))
    layers = [
        _Layer(path, layer, seen[path], large[path], pixels)
        for path, layer in module.named_modules()
        if weighted(layer) and path in seen and path not in unserved
    ]
    plain = dict(_plain(layers, seen, num_classes))
    if spare_depthwise:
        plain = {**dict(_costly(layers, num_classes, _norm(module))), **plain}
    sites = _sites(module, layers, plain)
    total = sum(parameter.numel() for parameter in module.parameters())
    table = Backbone(
        name=name,
        num_classes=num_classes,
        in_channels=in_channels,
        input_size=input_size,
        sites=sites,
        plain_params=total - sum(site.weight_params for site in sites),
        plain_macs=macs - sum(site.conv_macs for site in sites),
        attention_norm=_norm(module),
        plain_layers=tuple(unserved.items()),
    )
    return overridden(table, exclude=exclude, addresses=addresses, plain=plain)


def _unservable(module: nn.Module, seen: Mapping[str, Seen]) -> Iterator[tuple[str, str]]:
    """Weighted layers that no warehouse can serve, with the reason."""
    layers = [(path, layer) for path, layer in module.named_modules() if weighted(layer)]
    shared = Counter(id(layer.weight) for _, layer in layers)
    for path, layer in layers:
        trait = obstacle(layer)
        if path not in seen:
            yield path, "it is not called in a forward pass"
        elif trait:
            yield path, trait
        elif seen[path].calls > 1:
            yield path, f"it is called {plural(seen[path].calls, 'time')} in a forward pass"
        elif shared[id(layer.weight)] > 1:
            yield path, "it shares its weight with another layer"


def _plain(
    layers: list[_Layer], seen: Mapping[str, Seen], num_classes: int
) -> Iterator[tuple[str, str]]:
    """Layers that could be served and are not unless asked for, with the reason."""
    convolutions = [path for path in seen if seen[path].order == 0]
    last = max(seen, key=lambda path: seen[path].order, default="")
    for layer in layers:
        linear = isinstance(layer.module, nn.Linear)
        if layer.path == last and _channels(layer.module)[1] == num_classes:
            yield layer.path, "it makes the logits"
        elif layer.path in convolutions and not linear:
            yield layer.path, "it is the first convolution"
        elif linear and not layer.seen.axes:
            yield layer.path, "it works on pooled features"
        elif layer.large.positions == 1 and prod(_kernel(layer)) == 1:
            yield layer.path, "it works on one position, as squeeze and excitation do"


def _costly(
    layers: list[_Layer], num_classes: int, norm: AttentionNorm
) -> Iterator[tuple[str, str]]:
    """Depthwise layers that a warehouse of their own, with as many cells as mixtures, enlarges."""
    depthwise = [layer for layer in layers if _group(layer) == "dwconv"]
    sites = tuple(
        _site(layer, Address.parse(f"stage0_layer{number}_dwconv0"))
        for number, layer in enumerate(depthwise)
    )
    alone = Backbone("depthwise", num_classes, 1, (1, 1), sites, 0, 0, norm)
    config = NetworkConfig(backbone=alone.name, num_classes=num_classes, sharing_range=())
    for served in plan_network(config, alone).sites if sites else ():
        attention, weight = served.attention_params, served.site.weight_params
        if attention > weight:
            yield (
                served.site.name,
                f"its attention would have {attention:,} parameters, the layer has {weight:,}",
            )


def _sites(module: nn.Module, layers: list[_Layer], plain: Mapping[str, str]) -> tuple[Site, ...]:
    strides = {layer.path: _stage_stride(layer) for layer in layers}
    levels = sorted({strides[layer.path] for layer in layers if layer.path not in plain})
    blocks, indices = _Numbers(), _Numbers()
    block_of = dict(_blocks(module))
    made = []
    for layer in layers:
        stage = sum(level < strides[layer.path] for level in levels)
        address = "stage0_conv0"  # of a layer that stays plain: never read
        if layer.path not in plain:
            block = block_of[layer.path]
            number = blocks.of(stage, block)
            group = _group(layer)
            index = indices.of((stage, block, group), layer.path)
            address = f"stage{stage}_layer{number}_{group}{index}"
        made.append(_site(layer, Address.parse(address)))
    return tuple(made)


class _Numbers:
    """Numbers things 0, 1, ... inside a scope, in order of first appearance."""

    def __init__(self) -> None:
        self._known: dict[object, dict[str, int]] = {}

    def of(self, scope: object, thing: str) -> int:
        """The number of ``thing`` in ``scope``."""
        known = self._known.setdefault(scope, {})
        return known.setdefault(thing, len(known))


def _stage_stride(layer: _Layer) -> int:
    """Binary logarithm of the stride of the stage: the output's, or the input's if handed over."""
    into, out = _channels(layer.module)
    handed = layer.large.positions < layer.large.entered and into != out
    positions = layer.large.entered if handed else layer.large.positions
    return round(log2(layer.pixels / max(positions, 1)) / _AXES)


def _blocks(module: nn.Module) -> Iterator[tuple[str, str]]:
    """Every weighted layer's path with that of its block."""
    inside: dict[str, list[str]] = {}
    modules = dict(module.named_modules())
    leaves = [path for path, layer in modules.items() if weighted(layer)]
    for path in leaves:
        for around in _around(path):
            inside.setdefault(around, []).append(path)
    kinds = {
        path: type(modules[path])
        for path, found in inside.items()
        if len(found) > 1 and not isinstance(modules[path], _CONTAINERS)
    }
    held: dict[str, Counter[type[nn.Module]]] = {}
    for path, kind in kinds.items():
        for around in _around(path):
            held.setdefault(around, Counter())[kind] += 1
    for path in leaves:
        block = path
        for around in _around(path):
            if isinstance(modules[around], _CONTAINERS):
                continue
            if max(held.get(around, Counter()).values(), default=0) < 2:  # noqa: PLR2004 - blocks repeat
                block = around
                break
        yield path, block


def _around(path: str) -> list[str]:
    """Paths of the modules around a layer, outermost first, the network itself left out."""
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _group(layer: _Layer) -> str:
    module = layer.module
    groups = 1 if isinstance(module, nn.Linear) else int(getattr(module, "groups", 1))
    if groups > 1 and groups == _channels(module)[0]:
        return "dwconv"
    return "pwconv" if groups == 1 and prod(_kernel(layer)) == 1 else "conv"


def _channels(module: nn.Module) -> tuple[int, int]:
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    assert isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)  # noqa: S101 - `obstacle` let it pass
    return module.in_channels, module.out_channels


def _kernel(layer: _Layer) -> tuple[int, ...]:
    """Kernel size; ones for a linear layer, as many as its output has position axes."""
    module = layer.module
    if isinstance(module, nn.Linear):
        return (1,) * max(layer.seen.axes, 1)
    assert isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)  # noqa: S101 - `obstacle` let it pass
    return module.kernel_size


def _site(layer: _Layer, address: Address) -> Site:
    module = layer.module
    into, out = _channels(module)
    linear = isinstance(module, nn.Linear)
    return Site(
        name=layer.path,
        address=address,
        kind="linear" if linear else "conv",
        in_channels=into,
        out_channels=out,
        kernel=_kernel(layer),
        groups=1 if linear else int(getattr(module, "groups", 1)),
        bias=module.bias is not None,
        positions=layer.seen.positions,
        stride=() if linear else tuple(getattr(module, "stride", ())),
    )


def _norm(module: nn.Module) -> AttentionNorm:
    """A layer norm where the network has layer norms and no batch norms, as ConvNeXt has."""
    layers = any(isinstance(layer, nn.LayerNorm) for layer in module.modules())
    batches = any(isinstance(layer, _BatchNorm) for layer in module.modules())
    return "layer" if layers and not batches else "batch"
