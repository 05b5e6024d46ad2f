"""The published networks by name.

Each preset is a function named as the authors name its configuration: ``kw`` and the multiplier
(``1d4x`` is a quarter, ``4x`` four) before the network.
"""

from collections.abc import Callable
from typing import Any

from search_spaces.config import NetworkConfig
from search_spaces.errors import InputError, nearest
from search_spaces.upstream import from_upstream


def kw1x_resnet18() -> NetworkConfig:
    """ResNet-18 with as many cells as mixtures, one warehouse a stage."""
    return NetworkConfig(backbone="resnet18", sharing_range=("layer", "conv"))


def kw1d2x_resnet18() -> NetworkConfig:
    """ResNet-18 at 1/2x, with cells of half the channels."""
    return _changed(
        kw1x_resnet18(), cell_num_ratio=0.5, cell_inplane_ratio=0.5, cell_outplane_ratio=0.5
    )


def kw1d4x_resnet18() -> NetworkConfig:
    """ResNet-18 at 1/4x, with cells of half the channels."""
    return _changed(kw1d2x_resnet18(), cell_num_ratio=0.25)


def kw2x_resnet18() -> NetworkConfig:
    """ResNet-18 at 2x."""
    return _changed(kw1x_resnet18(), cell_num_ratio=2.0)


def kw4x_resnet18() -> NetworkConfig:
    """ResNet-18 at 4x."""
    return _changed(kw1x_resnet18(), cell_num_ratio=4.0)


def kw1x_resnet50() -> NetworkConfig:
    """ResNet-50 with as many cells as mixtures, one warehouse a stage."""
    return _changed(kw1x_resnet18(), backbone="resnet50")


def kw1d2x_resnet50() -> NetworkConfig:
    """ResNet-50 at 1/2x, with cells of half the channels and attention through a basis."""
    return _changed(kw1d2x_resnet18(), backbone="resnet50", nonlocal_basis_ratio=0.0625)


def kw4x_resnet50() -> NetworkConfig:
    """ResNet-50 at 4x."""
    return _changed(kw4x_resnet18(), backbone="resnet50")


def kw1x_mobilenetv2_100() -> NetworkConfig:
    """MobileNetV2 with as many cells as mixtures, a stage's pointwise convolutions together."""
    return NetworkConfig(backbone="mobilenetv2", sharing_range=("layer", "pwconv"))


def kw4x_mobilenetv2_100() -> NetworkConfig:
    """MobileNetV2 at 4x, expanding and projecting convolutions apart."""
    return _changed(kw1x_mobilenetv2_100(), cell_num_ratio=4.0, sharing_range=("layer",))


def kw1d2x_mobilenetv2_100() -> NetworkConfig:
    """MobileNetV2 at 1/2x: the late sites, with ratios of their own for each warehouse."""
    return from_upstream({"model": "kw1d2x_mobilenetv2_100"})


def kw1x_mobilenetv2_050() -> NetworkConfig:
    """MobileNetV2 of half the width with as many cells as mixtures."""
    return _changed(kw1x_mobilenetv2_100(), backbone="mobilenetv2-050")


def kw4x_mobilenetv2_050() -> NetworkConfig:
    """MobileNetV2 of half the width at 4x."""
    return _changed(kw4x_mobilenetv2_100(), backbone="mobilenetv2-050")


def kw1d2x_mobilenetv2_050() -> NetworkConfig:
    """MobileNetV2 of half the width at 1/2x: the late sites."""
    return from_upstream({"model": "kw1d2x_mobilenetv2_050"})


def kw1x_convnext_tiny() -> NetworkConfig:
    """ConvNeXt-Tiny with as many cells as mixtures, a stage's pointwise linears together."""
    return _changed(kw1x_mobilenetv2_100(), backbone="convnext-tiny")


def kw4x_deit_tiny() -> NetworkConfig:
    """DeiT-Tiny at 4x, of the later paper (arXiv 2406.07879).

    It states multiplier and gain, and no code of the authors' was published for it: which layers
    share is read here as in `kw4x_mobilenetv2_100`, blocks together and layers of a block apart.
    """
    return _changed(kw4x_mobilenetv2_100(), backbone="deit-tiny")


PUBLISHED: dict[str, Callable[[], NetworkConfig]] = {
    preset.__name__: preset
    for preset in (
        kw1d4x_resnet18,
        kw1d2x_resnet18,
        kw1x_resnet18,
        kw2x_resnet18,
        kw4x_resnet18,
        kw1d2x_resnet50,
        kw1x_resnet50,
        kw4x_resnet50,
        kw1d2x_mobilenetv2_100,
        kw1x_mobilenetv2_100,
        kw4x_mobilenetv2_100,
        kw1d2x_mobilenetv2_050,
        kw1x_mobilenetv2_050,
        kw4x_mobilenetv2_050,
        kw1x_convnext_tiny,
    )
}
"""Presets by their published names."""

STATED: dict[str, Callable[[], NetworkConfig]] = {kw4x_deit_tiny.__name__: kw4x_deit_tiny}
"""Presets of networks whose result was published and whose settings were not."""

KNOWN = PUBLISHED | STATED
"""All of them."""


def published(name: str) -> NetworkConfig:
    """The configuration published under a name such as ``"kw1d2x_resnet50"``.

    Raises:
        InputError: no configuration of that name was published.
    """
    if name not in KNOWN:
        raise InputError(
            f"{name!r} is not a published configuration.{nearest(name, KNOWN)}",
            f"The published ones are {', '.join(KNOWN)}.",
        )
    return KNOWN[name]()


def _changed(config: NetworkConfig, **changes: Any) -> NetworkConfig:  # noqa: ANN401 - settings
    return NetworkConfig(**{**config.model_dump(), **changes})
