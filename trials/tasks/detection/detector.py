"""torchvision's detectors on the stages of a network that warehouses serve."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN, MaskRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from search_spaces import Backbone
from search_spaces.networks import plain_of
from trials.tasks.detection.features import Stage, extractor, stages_of
from trials.tasks.detection.recipe import DetectionRecipe
from trials.tasks.detection.sampling import SeededSampler

RATIOS = (0.5, 1.0, 2.0)
"""Height over width of anchors."""

_BOX, _MASK = 7, 14
"""Edges of the maps that a head sees of a proposal."""


class Pyramid(nn.Module):
    """A network's stages and a feature pyramid on them; a detector's backbone.

    Args:
        network: any that `stages_of` finds stages in.
        in_channels: of its images.
        channels: of the pyramid.
    """

    def __init__(self, network: nn.Module, in_channels: int, channels: int) -> None:
        super().__init__()
        self.stages: tuple[Stage, ...] = stages_of(network, in_channels)
        self.body = extractor(network, self.stages)
        self.fpn = FeaturePyramidNetwork(
            [stage.channels for stage in self.stages], channels, LastLevelMaxPool()
        )
        self.out_channels = channels
        self.frozen = False

    @property
    def strides(self) -> list[int]:
        """Of all levels; the last is half of the one before, taken by pooling."""
        known = [stage.stride for stage in self.stages]
        return [*known, 2 * known[-1]]

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """``[B, C, H, W]`` -> a map ``[B, channels, h, w]`` for each level."""
        maps: OrderedDict[str, Tensor] = self.fpn(OrderedDict(self.body(images)))
        return maps

    def train(self, mode: bool = True) -> "Pyramid":  # noqa: FBT001, FBT002 - torch's own signature
        """As torch's, but that frozen norms stay as in evaluation."""
        super().train(mode)
        if self.frozen:
            for module in self.body.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - their root
                    module.eval()
        return self


def detector_of(
    network: nn.Module, recipe: DetectionRecipe, *, in_channels: int, classes: int
) -> nn.Module:
    """A detector of torchvision's, in training mode.

    Called with a list of images ``[C, H, W]`` from 0 to 1 and a list of targets it gives losses by
    name; in evaluation, without targets, a dictionary for each image.

    Args:
        network: the backbone, whose stages are used; its classifier is left out.
        recipe: which detector, and its sizes.
        in_channels: of the images.
        classes: categories, without the background.

    Raises:
        InputError: no stages are found in the network.
    """
    pyramid = Pyramid(network, in_channels, recipe.neck_channels)
    pyramid.frozen = recipe.norms == "frozen"
    common = {
        "min_size": recipe.short_edge,
        "max_size": max(recipe.long_edge, recipe.short_edge),
        "image_mean": _of_channels(recipe.mean, in_channels),
        "image_std": _of_channels(recipe.std, in_channels),
    }
    if recipe.detector == "retinanet":
        made = _retinanet(pyramid, recipe, classes, common)
    else:
        made = _rcnn(pyramid, recipe, classes, common)
    return made.train()


def samplers(detector: nn.Module) -> tuple[SeededSampler, SeededSampler] | None:
    """Those of anchors and of proposals; None of a detector that learns from all of them."""
    if isinstance(detector, FasterRCNN):
        return detector.rpn.fg_bg_sampler, detector.roi_heads.fg_bg_sampler
    return None


def _of_channels(values: tuple[float, ...], channels: int) -> list[float]:
    """A value for each channel: as given, or the mean of what is given."""
    if len(values) == channels:
        return [*values]
    return [sum(values) / len(values)] * channels


def sizes_of(detector: nn.Module) -> tuple[int, int]:
    """Parameters of the backbone's stages, and of all that stands on them."""
    pyramid = detector.get_submodule("backbone")
    assert isinstance(pyramid, Pyramid)  # noqa: S101 - `detector_of` put it there
    body = sum(one.numel() for one in pyramid.body.parameters())
    return body, sum(one.numel() for one in detector.parameters()) - body


def sizes_of_plain(table: Backbone, recipe: DetectionRecipe) -> tuple[int, int]:
    """The same of the detector on the plain network of a table, with a head for each category."""
    with torch.random.fork_rng(devices=[]):
        made = detector_of(
            plain_of(table), recipe, in_channels=table.in_channels, classes=table.num_classes
        )
    return sizes_of(made)


def _rcnn(
    pyramid: Pyramid, recipe: DetectionRecipe, classes: int, common: dict[str, object]
) -> nn.Module:
    levels = pyramid.strides
    sizes = tuple((round(recipe.anchor_scale * stride),) for stride in levels)
    maps = [str(index) for index in range(len(pyramid.stages))]
    channels, width = recipe.neck_channels, recipe.head_width
    given = {
        **common,
        "rpn_anchor_generator": AnchorGenerator(sizes, (RATIOS,) * len(levels)),
        "rpn_pre_nms_top_n_train": recipe.proposals,
        "rpn_post_nms_top_n_train": recipe.proposals,
        "rpn_pre_nms_top_n_test": max(recipe.proposals // 2, 1),
        "rpn_post_nms_top_n_test": max(recipe.proposals // 2, 1),
        "rpn_batch_size_per_image": recipe.sampled_anchors,
        "box_batch_size_per_image": recipe.sampled_proposals,
        "box_detections_per_img": recipe.detections,
        "box_roi_pool": MultiScaleRoIAlign(maps, _BOX, sampling_ratio=2),
        "box_head": TwoMLPHead(channels * _BOX**2, width),
        "box_predictor": FastRCNNPredictor(width, classes + 1),
    }
    if recipe.masks:
        detector = MaskRCNN(
            pyramid,
            mask_roi_pool=MultiScaleRoIAlign(maps, _MASK, sampling_ratio=2),
            mask_head=MaskRCNNHeads(channels, (channels,) * 4, 1),
            mask_predictor=MaskRCNNPredictor(channels, channels, classes + 1),
            **given,
        )
    else:
        detector = FasterRCNN(pyramid, **given)
    detector.rpn.fg_bg_sampler = SeededSampler(recipe.sampled_anchors, 0.5)
    detector.roi_heads.fg_bg_sampler = SeededSampler(recipe.sampled_proposals, 0.25)
    made: nn.Module = detector
    return made


def _retinanet(
    pyramid: Pyramid, recipe: DetectionRecipe, classes: int, common: dict[str, object]
) -> nn.Module:
    """Three anchors to an octave (Lin et al. 2017, arXiv 1708.02002), of half the scale."""
    sizes = tuple(
        tuple(round(recipe.anchor_scale / 2 * stride * 2 ** (part / 3)) for part in range(3))
        for stride in pyramid.strides
    )
    made: nn.Module = RetinaNet(
        pyramid,
        classes + 1,
        anchor_generator=AnchorGenerator(sizes, (RATIOS,) * len(sizes)),
        detections_per_img=recipe.detections,
        **common,
    )
    return made


def to_device(targets: list[dict[str, Tensor]], device: torch.device) -> list[dict[str, Tensor]]:
    """Targets on a device."""
    return [{name: value.to(device) for name, value in one.items()} for one in targets]
