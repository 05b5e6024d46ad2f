"""Tables of DeiT-Tiny, a vision transformer without a teacher.

Touvron et al., "Training data-efficient image transformers & distillation through attention", ICML
2021, table 1: twelve blocks of width 192 with three heads. The four linear layers of every block
(queries, keys and values in one, projection, and both of the perceptron) are sites, each in a group
of its own, as their channels are unlike; the attention's hidden layer has a layer norm, as the
network itself. Patches, class token, positions and the classifier stay plain.

Module paths are timm's. Positions are learned for one grid of patches and interpolated for images
of another size, so parameters do not depend on the size of the images.
"""

from math import prod

from search_spaces.backbones.table import Size, TableBuilder
from search_spaces.errors import InputError
from search_spaces.sites import Backbone

WIDTH, BLOCKS, HEADS, WIDER = 192, 12, 3, 4


def deit_tiny(
    name: str, num_classes: int, in_channels: int, input_size: Size, *, patch: int, grid: int
) -> Backbone:
    """DeiT-Tiny on timm's modules.

    Args:
        name: of the table.
        num_classes: outputs of the classifier.
        in_channels: channels of an input image.
        input_size: height and width in pixels.
        patch: height and width of a patch in pixels.
        grid: patches along each edge that positions are learned for.

    Raises:
        InputError: the images do not divide into patches.
    """
    if any(edge % patch or not edge for edge in input_size):
        height, width = input_size
        raise InputError(
            f"{name} cuts images into patches of {patch}x{patch} pixels, and {height}x{width} "
            "pixels do not divide into them.",
            f"Set image_size under [proxy] to a multiple of {patch}.",
        )
    table = TableBuilder(input_size)
    table.plain_conv((in_channels, WIDTH), patch, stride=patch, bias=True)
    table.parameter(WIDTH)
    table.parameter((grid * grid + 1) * WIDTH)
    tokens = prod(table.size) + 1
    for block in range(BLOCKS):
        _block(table, block, tokens)
    table.norm(WIDTH)
    table.plain_linear((WIDTH, num_classes))
    return table.backbone(name, num_classes, in_channels, input_size, attention_norm="layer")


def _block(table: TableBuilder, block: int, tokens: int) -> None:
    """Attention and a perceptron around a fourfold width, each behind a norm."""
    table.norm(WIDTH)
    table.norm(WIDTH)
    linears = (
        ("attn.qkv", (WIDTH, 3 * WIDTH)),
        ("attn.proj", (WIDTH, WIDTH)),
        ("mlp.fc1", (WIDTH, WIDER * WIDTH)),
        ("mlp.fc2", (WIDER * WIDTH, WIDTH)),
    )
    for index, (path, channels) in enumerate(linears):
        table.linear_site(
            f"blocks.{block}.{path}",
            f"stage0_layer{block}_pwconv{index}",
            channels,
            kernel=(1,),
            positions=tokens,
        )
    table.products(2 * tokens * tokens * WIDTH)
