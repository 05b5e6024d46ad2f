"""Plain networks for the shipped tables, named as the tables name their sites.

Networks are torchvision's own, but for the CIFAR ResNets, which it does not have, and DeiT, whose
attention there hides its linear layers inside one module.

A network whose table is shipped registers the function that builds it here. Counting never comes
this way; `search_spaces.networks.build` does, and swaps the sites of what it gets.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models
from torchvision.models.resnet import BasicBlock, ResNet

from search_spaces.backbones import cifar_shape
from search_spaces.errors import InputError, nearest
from search_spaces.networks.transformer import VisionTransformer
from search_spaces.sites import Backbone

PlainNetwork = Callable[[Backbone], nn.Module]
"""Builds the plain network of a table, with fresh weights."""

_NETWORKS: dict[str, PlainNetwork] = {}


def register(*names: str) -> Callable[[PlainNetwork], PlainNetwork]:
    """Make a function known as the builder of the shipped tables of these names."""

    def known(builder: PlainNetwork) -> PlainNetwork:
        _NETWORKS.update(dict.fromkeys(names, builder))
        return builder

    return known


def plain_network(table: Backbone) -> nn.Module:
    """The network that ``table`` describes, as torchvision initialises it.

    Raises:
        InputError: no network of that name is registered.
    """
    if table.name in _NETWORKS:
        return _NETWORKS[table.name](table)
    shape = cifar_shape(table.name)
    if shape:
        return cifar_resnet(table, *shape)
    raise InputError(
        f"There is no network of the name {table.name!r}.{nearest(table.name, _NETWORKS)}",
        "Hand your own module to build(..., network=...).",
    )


@register("resnet18", "resnet50")
def resnet(table: Backbone) -> nn.Module:
    """The ResNet of torchvision that has the table's name."""
    network: ResNet = models.get_model(table.name, num_classes=table.num_classes)
    return image_channels(network, table.in_channels)


@register("resnet18-small")
def resnet18_small(table: Backbone) -> nn.Module:
    """ResNet-18 with a stem for small images: 3x3, stride 1, no pooling."""
    network: nn.Module = models.resnet18(num_classes=table.num_classes)
    network.conv1 = _he_conv(table.in_channels, 64, 3, stride=1)
    network.maxpool = nn.Identity()
    return network


def image_channels(network: ResNet, in_channels: int) -> nn.Module:
    """Swap the stem of a torchvision ResNet where images do not have its three channels."""
    stem = network.conv1
    if in_channels != stem.in_channels:
        network.conv1 = _he_conv(in_channels, stem.out_channels, 7, stride=2)
    served: nn.Module = network
    return served


def _he_conv(channels: int, width: int, kernel: int, stride: int) -> nn.Conv2d:
    conv = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


@register("mobilenetv2", "mobilenetv2-late", "mobilenetv2-050", "mobilenetv2-050-late")
def mobilenetv2(table: Backbone) -> nn.Module:
    """The MobileNetV2 of torchvision at the table's width.

    Without dropout: how much of it a network gets is a matter of the training recipe.
    """
    width = 0.5 if "-050" in table.name else 1.0
    network: nn.Module = models.mobilenet_v2(
        num_classes=table.num_classes, width_mult=width, dropout=0.0
    )
    return stem_channels(network, table.in_channels)


@register("convnext-tiny")
def convnext_tiny(table: Backbone) -> nn.Module:
    """The ConvNeXt-Tiny of torchvision, without stochastic depth for the same reason."""
    network: nn.Module = models.convnext_tiny(
        num_classes=table.num_classes, stochastic_depth_prob=0.0
    )
    return stem_channels(network, table.in_channels)


@register("deit-tiny", "deit-tiny-small")
def deit_tiny(table: Backbone) -> nn.Module:
    """DeiT-Tiny with timm's names, without stochastic depth until a recipe asks for it."""
    patch, grid = (4, 8) if table.name.endswith("-small") else (16, 14)
    return VisionTransformer(
        table.num_classes, table.in_channels, patch=patch, grid=grid, width=192, blocks=12, heads=3
    )


def stem_channels(network: nn.Module, in_channels: int) -> nn.Module:
    """Swap the first convolution, ``features.0.0``, where images do not have its three channels."""
    stem = network.get_submodule("features.0.0")
    assert isinstance(stem, nn.Conv2d)  # noqa: S101 - both networks begin so
    if in_channels != stem.in_channels:
        swapped = nn.Conv2d(
            in_channels,
            stem.out_channels,
            (stem.kernel_size[0], stem.kernel_size[1]),
            stem.stride[0],
            stem.padding[0] if not isinstance(stem.padding, str) else stem.padding,
            bias=stem.bias is not None,
        )
        if swapped.bias is not None:
            nn.init.zeros_(swapped.bias)
        network.set_submodule("features.0.0", swapped)
    return network


class PaddedShortcut(nn.Module):
    """The parameter-free shortcut of He et al. 2016, section 4.2 (option A).

    Every ``stride``-th row and column is taken, and the added channels are zero. They go half
    before and half behind, so that no input channel is tied to the first output channels.

    Args:
        added: output channels minus input channels.
        stride: step along height and width.
    """

    def __init__(self, added: int, stride: int) -> None:
        super().__init__()
        self.added, self.stride = added, stride

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, H, W]`` -> ``[B, C + added, ceil(H / stride), ceil(W / stride)]``."""
        before = self.added // 2
        taken = x[:, :, :: self.stride, :: self.stride]
        return F.pad(taken, (0, 0, 0, 0, before, self.added - before))


class CifarResNet(nn.Module):
    """ResNet of depth 6n + 2 for small images (He et al. 2016, section 4.2), of basic blocks.

    Args:
        depth: layers with weights, 6n + 2.
        width: channels of the first stage; they double twice.
        num_classes: outputs of the classifier.
        in_channels: channels of an input image.
    """

    def __init__(self, depth: int, width: int, num_classes: int, in_channels: int) -> None:
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, blocks)
        self.layer2 = _stage(width, 2 * width, blocks)
        self.layer3 = _stage(2 * width, 4 * width, blocks)
        self.fc = nn.Linear(4 * width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """``[B, in_channels, H, W]`` -> logits ``[B, num_classes]``."""
        x = self.bn1(self.conv1(x)).relu()
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


def _stage(channels: int, width: int, blocks: int) -> nn.Sequential:
    block = partial(BasicBlock, planes=width)
    if channels == width:
        first = block(width)
    else:
        first = block(channels, stride=2, downsample=PaddedShortcut(width - channels, stride=2))
    return nn.Sequential(first, *(block(width) for _ in range(blocks - 1)))


def cifar_resnet(table: Backbone, depth: int, width: int) -> nn.Module:
    """The CIFAR ResNet that ``table`` describes."""
    return CifarResNet(depth, width, table.num_classes, table.in_channels)
