"""timm's names of the layers of shipped backbones, where they differ from torchvision's."""

import re
from collections.abc import Iterable

_Rules = tuple[tuple[str, str], ...]

_CONVNEXT: _Rules = (
    (r"^stem\.", "features.0."),
    *((rf"^stages\.{s}\.downsample\.", f"features.{2 * s}.") for s in range(1, 4)),
    *((rf"^stages\.{s}\.blocks\.", f"features.{2 * s + 1}.") for s in range(4)),
    (r"^(features\.\d+\.\d+)\.gamma$", r"\1.layer_scale"),
    (r"^(features\.\d+\.\d+)\.conv_dw\.", r"\1.block.0."),
    (r"^(features\.\d+\.\d+)\.norm\.", r"\1.block.2."),
    (r"^(features\.\d+\.\d+)\.mlp\.fc1\.", r"\1.block.3."),
    (r"^(features\.\d+\.\d+)\.mlp\.fc2\.", r"\1.block.5."),
    (r"^head\.norm\.", "classifier.0."),
    (r"^head\.fc\.", "classifier.2."),
)

_STAGES = (1, 2, 3, 4, 3, 3, 1)
_FIRST = (("conv_dw", "conv.0.0"), ("bn1", "conv.0.1"), ("conv_pw", "conv.1"), ("bn2", "conv.2"))
_OTHERS = (
    ("conv_pw", "conv.0.0"),
    ("bn1", "conv.0.1"),
    ("conv_dw", "conv.1.0"),
    ("bn2", "conv.1.1"),
    ("conv_pwl", "conv.2"),
    ("bn3", "conv.3"),
)


def _inverted_residuals() -> Iterable[tuple[str, str]]:
    blocks_of_stages = (
        (stage, block) for stage, blocks in enumerate(_STAGES) for block in range(blocks)
    )
    for number, (stage, block) in enumerate(blocks_of_stages, 1):
        for theirs, ours in _FIRST if number == 1 else _OTHERS:
            yield rf"^blocks\.{stage}\.{block}\.{theirs}\.", f"features.{number}.{ours}."


_MOBILENETV2: _Rules = (
    (r"^conv_stem\.", "features.0.0."),
    (r"^bn1\.", "features.0.1."),
    (r"^conv_head\.", "features.18.0."),
    (r"^bn2\.", "features.18.1."),
    (r"^classifier\.(weight|bias)$", r"classifier.1.\1"),
    *_inverted_residuals(),
)

_RULES = {"convnext": _CONVNEXT, "mobilenetv2": _MOBILENETV2}


def torchvision_name(backbone: str, name: str) -> str:
    """What torchvision calls a tensor that timm gives this name; names of its own stay.

    Args:
        backbone: name of a table.
        name: of a tensor.
    """
    for start, rules in _RULES.items():
        if backbone.startswith(start):
            for pattern, replacement in rules:
                name = re.sub(pattern, replacement, name)
    return name
