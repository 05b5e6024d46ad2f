"""Tables of residual networks: ResNet-18, ResNet-50 and the ResNets for small images.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016: section 4.1 for ImageNet,
section 4.2 for CIFAR (depth 6n + 2, widths 16, 32, 64, parameter-free shortcuts).

Hand-over: the first block of every stage but the first gives its first convolution and its 1x1
shortcut to the stage before, as two further blocks there, so that the channel sizes of a stage
match. Stem and classifier stay plain, and in ResNet-50 so do the first 1x1 convolution and the
shortcut of the first stage, which has no stage before it.
"""

from search_spaces.backbones.table import Size, TableBuilder
from search_spaces.sites import Backbone

CIFAR_DEPTHS = (8, 14, 20, 32, 56)
EXPANSION = 4
"""Width of a bottleneck's output / its 3x3 convolution."""


def resnet18(
    name: str, num_classes: int, in_channels: int, input_size: Size, *, small_stem: bool
) -> Backbone:
    """ResNet-18; ``small_stem`` swaps 7x7 stride 2 and max pooling for 3x3 stride 1."""
    table = TableBuilder(input_size)
    if small_stem:
        table.plain_conv((in_channels, 64), 3, padding=1)
    else:
        table.plain_conv((in_channels, 64), 7, stride=2, padding=3)
        table.pool(3, stride=2, padding=1)
    table.norm(64)
    basic_stages(table, 64, (64, 128, 256, 512), (2, 2, 2, 2), projection=True)
    table.plain_linear((512, num_classes))
    return table.backbone(name, num_classes, in_channels, input_size)


def resnet50(name: str, num_classes: int, in_channels: int, input_size: Size) -> Backbone:
    """ResNet-50, with the stride of a stage in its first 3x3 convolution as in torchvision."""
    table = TableBuilder(input_size)
    table.plain_conv((in_channels, 64), 7, stride=2, padding=3)
    table.pool(3, stride=2, padding=1)
    table.norm(64)
    bottleneck_stages(table, 64, (64, 128, 256, 512), (3, 4, 6, 3))
    table.plain_linear((2048, num_classes))
    return table.backbone(name, num_classes, in_channels, input_size)


def cifar_resnet(
    name: str, num_classes: int, in_channels: int, input_size: Size, *, depth: int, width: int
) -> Backbone:
    """The CIFAR ResNet of ``depth`` layers whose first stage has ``width`` channels."""
    table = TableBuilder(input_size)
    table.plain_conv((in_channels, width), 3, padding=1)
    table.norm(width)
    widths = (width, 2 * width, 4 * width)
    basic_stages(table, width, widths, ((depth - 2) // 6,) * 3, projection=False)
    table.plain_linear((4 * width, num_classes))
    return table.backbone(name, num_classes, in_channels, input_size)


def basic_stages(
    table: TableBuilder,
    channels: int,
    widths: tuple[int, ...],
    blocks: tuple[int, ...],
    *,
    projection: bool,
) -> None:
    """Stages of basic blocks (two 3x3 convolutions each), with the hand-over."""
    for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        for block in range(count):
            path = f"layer{stage + 1}.{block}"
            first = stage > 0 and block == 0
            handed = f"stage{stage - 1}_layer{blocks[stage - 1]}_conv0" if first else None
            stride = 2 if first else 1
            entry = table.size
            table.size = table.site(
                f"{path}.conv1",
                handed or f"stage{stage}_layer{block}_conv0",
                (channels, width),
                3,
                at=entry,
                stride=stride,
                padding=1,
            )
            table.site(
                f"{path}.conv2",
                f"stage{stage}_layer{block}_conv1",
                (width, width),
                3,
                at=table.size,
                padding=1,
            )
            table.norm(width)
            table.norm(width)
            if first and projection:
                table.site(
                    f"{path}.downsample.0",
                    f"stage{stage - 1}_layer{blocks[stage - 1] + 1}_conv0",
                    (channels, width),
                    1,
                    at=entry,
                    stride=stride,
                )
                table.norm(width)
            channels = width


def bottleneck_stages(
    table: TableBuilder, channels: int, widths: tuple[int, ...], blocks: tuple[int, ...]
) -> None:
    """Stages of bottlenecks (1x1, 3x3, 1x1 to four times the width), with the hand-over."""
    for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        for block in range(count):
            path, address = f"layer{stage + 1}.{block}", f"stage{stage}_layer{block}"
            out, entry = EXPANSION * width, table.size
            first = block == 0
            stride = 2 if first and stage > 0 else 1
            before = stage - 1 if first else stage
            layer = blocks[before] if first else block
            reduce = None if before < 0 else f"stage{before}_layer{layer}_conv0"
            _pointwise(table, f"{path}.conv1", reduce, (channels, width))
            table.size = table.site(
                f"{path}.conv2", f"{address}_conv1", (width, width), 3, stride=stride, padding=1
            )
            table.site(f"{path}.conv3", f"{address}_conv2", (width, out), 1)
            table.norm(2 * width + out)
            if first:
                shortcut = None if before < 0 else f"stage{before}_layer{layer + 1}_conv0"
                _pointwise(
                    table,
                    f"{path}.downsample.0",
                    shortcut,
                    (channels, out),
                    at=entry,
                    stride=stride,
                )
                table.norm(out)
            channels = out


def _pointwise(
    table: TableBuilder,
    name: str,
    address: str | None,
    channels: tuple[int, int],
    *,
    at: Size | None = None,
    stride: int = 1,
) -> None:
    """A 1x1 convolution, plain where it has no address."""
    if address is None:
        table.plain_conv(channels, 1)
    else:
        table.site(name, address, channels, 1, at=at, stride=stride)
