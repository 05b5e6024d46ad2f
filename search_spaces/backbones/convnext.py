"""Table of ConvNeXt-Tiny.

Liu et al., "A ConvNet for the 2020s", CVPR 2022. Stem, downsampling, depthwise convolutions and
both pointwise linears of every block are sites; the attention's hidden layer has a layer norm, as
the network itself. The classifier stays plain.

Module paths are torchvision's, where a pointwise convolution is a linear layer on channels-last
features; its kernel is written (1, 1) all the same, so that cells have the published shapes.

Sites stand in the order in which the authors' network makes them, not in the order of a forward
pass: stem and downsampling first, then the blocks. Warehouses are listed in that order, and so
are ratios given one by one.
"""

from search_spaces.backbones.table import Size, TableBuilder
from search_spaces.sites import Backbone, Site

WIDTHS = (96, 192, 384, 768)
BLOCKS = (3, 3, 9, 3)


def convnext_tiny(name: str, num_classes: int, in_channels: int, input_size: Size) -> Backbone:
    """ConvNeXt-Tiny on torchvision's modules."""
    table = TableBuilder(input_size)
    stem = (in_channels, WIDTHS[0])
    table.size = table.site("features.0.0", "stagestem_conv0", stem, 4, stride=4, bias=True)
    table.norm(WIDTHS[0])
    for stage, (width, blocks) in enumerate(zip(WIDTHS, BLOCKS, strict=True)):
        if stage > 0:
            _downsample(table, stage, (WIDTHS[stage - 1], width))
        for block in range(blocks):
            path = f"features.{2 * stage + 1}.{block}.block"
            _block(table, path, f"stage{stage}_layer{block}", width)
    table.norm(WIDTHS[-1])
    table.plain_linear((WIDTHS[-1], num_classes))
    table.sites.sort(key=_made_late)
    return table.backbone(name, num_classes, in_channels, input_size, attention_norm="layer")


def _made_late(site: Site) -> bool:
    return site.address.parts[-1] != "conv0"


def _downsample(table: TableBuilder, stage: int, channels: tuple[int, int]) -> None:
    """A norm and a 2x2 convolution of stride 2, handed to the stage before."""
    table.norm(channels[0])
    address = f"stage{stage - 1}_layerds_conv0"
    table.size = table.site(f"features.{2 * stage}.1", address, channels, 2, stride=2, bias=True)


def _block(table: TableBuilder, path: str, address: str, width: int) -> None:
    """Depthwise 7x7, norm, two linears around a fourfold width, and a scale per channel."""
    depthwise = f"{address}_dwconv0"
    table.site(f"{path}.0", depthwise, (width, width), 7, padding=3, groups=width, bias=True)
    table.norm(width)
    for name, group, channels in (
        (f"{path}.3", "pwconv1", (width, 4 * width)),
        (f"{path}.5", "pwconv2", (4 * width, width)),
    ):
        table.linear_site(name, f"{address}_{group}", channels, kernel=(1, 1))
    table.scale(width)
