"""Tables of MobileNetV2 at any width, in two choices of sites.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, table 2, with
torchvision's rounding of channels. Stem, depthwise and pointwise convolutions are sites; the
classifier stays plain.

Hand-over: the first block of a stage, which changes resolution or channels, is one more block of
the stage before, and so is the last 1x1 convolution.

The *late* tables serve the classifier as well, and leave every pointwise convolution plain but
those of the last stage. The networks published at half the size are built so: the early pointwise
convolutions hold few parameters and the classifier holds more than a third of them all, so that
is where sharing saves.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.backbones.table import Size, TableBuilder
from search_spaces.sites import Backbone

ROWS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Rows of table 2: expansion t, channels c, blocks n, stride s of the first block."""

STEM, LAST = 32, 1280
LAST_STAGE = "stage6"


def mobilenetv2(
    name: str, num_classes: int, in_channels: int, input_size: Size, *, width: float, late: bool
) -> Backbone:
    """MobileNetV2 with channels scaled by ``width``; ``late`` picks the second choice of sites."""
    table = TableBuilder(input_size)
    channels = divisible(STEM * width)
    table.size = table.site(
        "features.0.0", "stage0_conv0", (in_channels, channels), 3, stride=2, padding=1
    )
    table.norm(channels)
    for index, block in enumerate(_blocks(), start=1):
        out = divisible(block.channels * width)
        plain = late and not block.address.startswith(LAST_STAGE)
        _inverted_residual(table, f"features.{index}.conv", block, (channels, out), plain=plain)
        channels = out
    last = divisible(LAST * max(1.0, width))
    table.site("features.18.0", f"{LAST_STAGE}_layer3_pwconv1", (channels, last), 1)
    table.norm(last)
    if late:
        table.linear_site("classifier.1", "classifier", (last, num_classes), kernel=(1,))
    else:
        table.plain_linear((last, num_classes))
    return table.backbone(name, num_classes, in_channels, input_size)


def divisible(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of ``divisor``, or the next one where it loses over a tenth."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * channels else rounded + divisor


@dataclass(frozen=True, slots=True)
class _Block:
    """One inverted residual, channels before scaling."""

    address: str
    expansion: int
    channels: int
    stride: int


def _blocks() -> Iterator[_Block]:
    """The rows of the table block by block, each with the address it is handed over to."""
    layers = [0] * (len(ROWS) + 1)
    for row, (expansion, channels, blocks, first) in enumerate(ROWS):
        for index in range(blocks):
            stage = max(row, 1) if index == 0 else row + 1
            address = f"stage{stage}_layer{layers[stage]}"
            yield _Block(address, expansion, channels, 1 if index else first)
            layers[stage] += 1


def _inverted_residual(
    table: TableBuilder, path: str, block: _Block, channels: tuple[int, int], *, plain: bool
) -> None:
    """Expand by 1x1, depthwise 3x3, project by 1x1; the first block of all does not expand."""
    wide = block.expansion * channels[0]
    step = 0
    if block.expansion > 1:
        _pointwise(
            table, f"{path}.0.0", f"{block.address}_pwconv0", (channels[0], wide), plain=plain
        )
        table.norm(wide)
        step = 1
    table.size = table.site(
        f"{path}.{step}.0",
        f"{block.address}_dwconv0",
        (wide, wide),
        3,
        stride=block.stride,
        padding=1,
        groups=wide,
    )
    table.norm(wide)
    last = f"{path}.{step + 1}"
    _pointwise(table, last, f"{block.address}_pwconv1", (wide, channels[1]), plain=plain)
    table.norm(channels[1])


def _pointwise(
    table: TableBuilder, name: str, address: str, channels: tuple[int, int], *, plain: bool
) -> None:
    if plain:
        table.plain_conv(channels, 1)
    else:
        table.site(name, address, channels, 1)
