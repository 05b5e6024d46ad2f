"""Published accuracies as rows to compare with, marked as results of full training.

Accuracies and printed sizes are the authors'; exact sizes are counted here. The two differ where
the authors' released configuration is not the one behind the printed size (ResNet-18 at 1/4x).
Of DeiT-Tiny the later paper's abstract states a gain, 4.38 points at 4x; it stands here on top of
the accuracy that DeiT's authors print.
Of detectors it is average precision, of boxes and of masks, on MS-COCO's val2017.
"""

from dataclasses import dataclass, replace
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
DETECTION = "Li and Yao, KernelWarehouse, the authors' table of MS-COCO results"
DETECTOR_TRAINING = "Mask R-CNN on MS-COCO, 1x schedule"

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
# AP of boxes and of masks. The authors' table calls its second ConvNeXt-Tiny 4x, and links settings
# and a file of 1x, the only ConvNeXt-Tiny that they publish a classification of.
_DETECTORS: dict[str, tuple[tuple[str, float, float], ...]] = {
    "resnet50": (
        (_PLAIN, 39.6, 36.4),
        ("kw1x_resnet50", 41.8, 38.4),
        ("kw4x_resnet50", 42.4, 38.9),
    ),
    "mobilenetv2": (
        (_PLAIN, 33.8, 31.7),
        ("kw1x_mobilenetv2_100", 36.4, 33.7),
        ("kw4x_mobilenetv2_100", 38.0, 34.9),
    ),
    "convnext-tiny": (
        (_PLAIN, 43.4, 39.7),
        ("kw1x_convnext_tiny", 44.7, 40.6),
    ),
}

_BY_ACCURACY = ("accuracy", "balanced_accuracy")
"""On ImageNet's validation images they are one number: each class has fifty."""


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One published result.

    Attributes:
        name: published name of the configuration, or the backbone's for the plain network.
        backbone: network family, such as ``"mobilenetv2"`` (its late sites included).
        config: the configuration, or None for the plain network.
        accuracy: top-1 accuracy on ImageNet's validation images, a share (0 to 1); of detectors
            average precision on MS-COCO's val2017.
        printed_params: parameters as printed, such as ``"7.43M"``; None where a result is stated
            without its size.
        params: parameters of the network as a classifier of 1000 classes, counted exactly.
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
def reference_rows(
    backbone: str | None = None, quality: str = "accuracy"
) -> tuple[ReferenceRow, ...]:
    """Published results, the plain network first, then by size.

    Args:
        backbone: a shipped name; the late sites of a network meet the same rows. All families if
            None; no rows for a backbone of which nothing was published.
        quality: ``"accuracy"`` on ImageNet, or of detectors on MS-COCO ``"map"`` of boxes or
            ``"mask_map"``; no rows for another one, but for ``"balanced_accuracy"``, which is
            accuracy there.
    """
    if backbone is None:
        families = _PRINTED if quality in _BY_ACCURACY else _DETECTORS
        return tuple(row for family in families for row in reference_rows(family, quality))
    family = backbone.removesuffix("-late")
    if quality in _BY_ACCURACY:
        return tuple(_row(family, *printed) for printed in _PRINTED.get(family, ()))
    kinds = ("map", "mask_map")
    if quality not in kinds:
        return ()
    found = [
        _row(family, name, precision[kinds.index(quality)], None)
        for name, *precision in _DETECTORS.get(family, ())
    ]
    return tuple(replace(row, source=DETECTION, training=DETECTOR_TRAINING) for row in found)


def _row(family: str, name: str, percent: float, printed: str | None) -> ReferenceRow:
    accuracy, source = round(percent / 100, 4), DEIT if family == "deit-tiny" else SOURCE
    if name == _PLAIN:
        table = shipped(family)
        costs = (table.params, table.macs)
        return ReferenceRow(family, family, None, accuracy, printed, *costs, source)
    config = published(name)
    size = count(config)
    return ReferenceRow(name, family, config, accuracy, printed, size.params, size.macs, source)
