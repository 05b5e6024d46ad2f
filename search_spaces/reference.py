"""Published accuracies as rows to compare with, marked as results of full training.

Accuracies and printed sizes are the authors'; exact sizes are counted here. The two differ where
the authors' released configuration is not the one behind the printed size (ResNet-18 at 1/4x).
Of DeiT-Tiny the later paper's abstract states a gain, 4.38 points at 4x; it stands here on top of
the accuracy that DeiT's authors print.
"""

from dataclasses import dataclass
from functools import lru_cache

from search_spaces.backbones import shipped
from search_spaces.budget import count
from search_spaces.config import NetworkConfig
from search_spaces.published import published

SOURCE = "Li and Yao, KernelWarehouse, arXiv 2308.08361 and the authors' table of ImageNet results"
DEIT = (
    "Touvron et al., DeiT, arXiv 2012.12877, table 5; at 4x with the gain of 4.38 points of Li and "
    "Yao, KernelWarehouse, arXiv 2406.07879, abstract, over their own DeiT-Tiny"
)
TRAINING = "full training on ImageNet"

_PLAIN = "plain"
_PRINTED: dict[str, tuple[tuple[str, float, str | None], ...]] = {
    "resnet18": (
        (_PLAIN, 70.44, "11.69M"),
        ("kw1d4x_resnet18", 72.73, "4.08M"),
        ("kw1d2x_resnet18", 73.33, "7.43M"),
        ("kw1x_resnet18", 74.77, "11.93M"),
        ("kw2x_resnet18", 75.19, "23.24M"),
        ("kw4x_resnet18", 76.05, "45.86M"),
    ),
    "resnet50": (
        (_PLAIN, 78.44, "25.56M"),
        ("kw1d2x_resnet50", 79.30, "17.64M"),
        ("kw1x_resnet50", 80.38, "28.05M"),
        ("kw4x_resnet50", 81.05, "102.02M"),
    ),
    "mobilenetv2": (
        (_PLAIN, 72.04, "3.50M"),
        ("kw1d2x_mobilenetv2_100", 72.59, "2.65M"),
        ("kw1x_mobilenetv2_100", 74.68, "5.17M"),
        ("kw4x_mobilenetv2_100", 75.92, "11.38M"),
    ),
    "mobilenetv2-050": (
        (_PLAIN, 64.32, "1.97M"),
        ("kw1d2x_mobilenetv2_050", 65.20, "1.47M"),
        ("kw1x_mobilenetv2_050", 68.29, "2.85M"),
        ("kw4x_mobilenetv2_050", 70.26, "4.65M"),
    ),
    "convnext-tiny": (
        (_PLAIN, 82.07, "28.59M"),
        ("kw1x_convnext_tiny", 82.51, "39.37M"),
    ),
    "deit-tiny": (
        (_PLAIN, 72.2, "5M"),
        ("kw4x_deit_tiny", 72.2 + 4.38, None),
    ),
}


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One published result.

    Attributes:
        name: published name of the configuration, or the backbone's for the plain network.
        backbone: network family, such as ``"mobilenetv2"`` (its late sites included).
        config: the configuration, or None for the plain network.
        accuracy: top-1 accuracy on ImageNet's validation images, a share (0 to 1).
        printed_params: parameters as printed, such as ``"7.43M"``; None where a result is stated
            without its size.
        params: parameters, counted exactly.
        macs: MACs of one image of 224 by 224 pixels, counted exactly.
        source: where accuracy and printed parameters come from.
        training: how the accuracy was reached; never by a proxy.
    """

    name: str
    backbone: str
    config: NetworkConfig | None
    accuracy: float
    printed_params: str | None
    params: int
    macs: int
    source: str = SOURCE
    training: str = TRAINING

    @property
    def plain(self) -> bool:
        """Whether this is the plain network, without a warehouse."""
        return self.config is None


@lru_cache(maxsize=16)
def reference_rows(backbone: str | None = None) -> tuple[ReferenceRow, ...]:
    """Published results, the plain network first, then by size.

    Args:
        backbone: a shipped name; the late sites of a network meet the same rows. All families if
            None; no rows for a backbone of which nothing was published.
    """
    if backbone is None:
        return tuple(row for family in _PRINTED for row in reference_rows(family))
    family = backbone.removesuffix("-late")
    return tuple(_row(family, *printed) for printed in _PRINTED.get(family, ()))


def _row(family: str, name: str, percent: float, printed: str | None) -> ReferenceRow:
    accuracy, source = round(percent / 100, 4), DEIT if family == "deit-tiny" else SOURCE
    if name == _PLAIN:
        table = shipped(family)
        costs = (table.params, table.macs)
        return ReferenceRow(family, family, None, accuracy, printed, *costs, source)
    config = published(name)
    size = count(config)
    return ReferenceRow(name, family, config, accuracy, printed, size.params, size.macs, source)
