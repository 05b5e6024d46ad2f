"""Shipped backbones by name.

``resnet8``, ``resnet14``, ``resnet20``, ``resnet32`` and ``resnet56`` are the CIFAR ResNets; a
width factor is written behind an x, as in ``resnet20x2`` or ``resnet8x0.5``. ``resnet18`` has the
ImageNet stem, ``resnet18-small`` the stem for small images. ``resnet50``, ``mobilenetv2`` at 1.0
and ``mobilenetv2-050`` at half the width, and ``convnext-tiny`` are torchvision's networks;
``mobilenetv2-late`` and ``mobilenetv2-050-late`` are the same networks with other sites: the
classifier instead of the early pointwise convolutions. ``deit-tiny`` is the vision transformer of
patches of 16 pixels, ``deit-tiny-small`` the same for small images, of patches of 4.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial

from search_spaces.backbones.convnext import convnext_tiny
from search_spaces.backbones.deit import deit_tiny
from search_spaces.backbones.mobilenet import mobilenetv2
from search_spaces.backbones.resnet import CIFAR_DEPTHS, cifar_resnet, resnet18, resnet50
from search_spaces.errors import InputError, nearest
from search_spaces.sites import Backbone

Table = Callable[[str, int, int, tuple[int, int]], Backbone]

SMALL, IMAGENET = (32, 32), (224, 224)
CIFAR_WIDTH = 16
_TABLES: dict[str, tuple[Table, tuple[int, int]]] = {
    **{
        f"resnet{depth}": (partial(cifar_resnet, depth=depth, width=CIFAR_WIDTH), SMALL)
        for depth in CIFAR_DEPTHS
    },
    "resnet18": (partial(resnet18, small_stem=False), IMAGENET),
    "resnet18-small": (partial(resnet18, small_stem=True), SMALL),
    "resnet50": (resnet50, IMAGENET),
    "mobilenetv2": (partial(mobilenetv2, width=1.0, late=False), IMAGENET),
    "mobilenetv2-050": (partial(mobilenetv2, width=0.5, late=False), IMAGENET),
    "mobilenetv2-late": (partial(mobilenetv2, width=1.0, late=True), IMAGENET),
    "mobilenetv2-050-late": (partial(mobilenetv2, width=0.5, late=True), IMAGENET),
    "convnext-tiny": (convnext_tiny, IMAGENET),
    "deit-tiny": (partial(deit_tiny, patch=16, grid=14), IMAGENET),
    "deit-tiny-small": (partial(deit_tiny, patch=4, grid=8), SMALL),
}
_WIDENED = re.compile(r"(resnet\d+)x(\d+(?:\.\d+)?)")


def names() -> tuple[str, ...]:
    """Names of the shipped backbones, without width factors."""
    return tuple(_TABLES)


@lru_cache(maxsize=64)
def shipped(
    name: str,
    num_classes: int = 1000,
    in_channels: int = 3,
    input_size: tuple[int, int] | None = None,
) -> Backbone:
    """The table of a shipped backbone.

    Args:
        name: one of `names`, or a CIFAR ResNet with a width factor.
        num_classes: outputs of the classifier.
        in_channels: channels of an input image.
        input_size: height and width in pixels; 32 or 224 as fits the stem if None.

    Raises:
        InputError: no backbone of that name is shipped.
    """
    table, size = _find(name)
    return table(name, num_classes, in_channels, input_size or size)


def cifar_shape(name: str) -> tuple[int, int] | None:
    """Depth and first width of a CIFAR ResNet's name, or None for any other name."""
    found = _WIDENED.fullmatch(name)
    base, factor = (found[1], float(found[2])) if found else (name, 1.0)
    depth = base.removeprefix("resnet")
    if not depth.isdecimal() or int(depth) not in CIFAR_DEPTHS:
        return None
    width = round(CIFAR_WIDTH * factor)
    return (int(depth), width) if width else None


def _find(name: str) -> tuple[Table, tuple[int, int]]:
    if name in _TABLES:
        return _TABLES[name]
    shape = cifar_shape(name)
    if shape:
        depth, width = shape
        return partial(cifar_resnet, depth=depth, width=width), SMALL
    raise InputError(
        f"{name!r} is not a shipped backbone: {', '.join(names())}, or a CIFAR ResNet with a "
        f"width factor such as 'resnet20x2'.{nearest(name, names())}",
        "Name your own network as 'package.module:function'.",
    )
