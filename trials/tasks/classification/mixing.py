"""Mixup and cutmix of neighbours in a batch.

Batches are in random order, so a neighbour is as good a partner as any other image; and a batch
that several processes share is mixed as one process would mix it, if their parts are even.

Axes: B batch, C channels, H height, W width.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional

from trials.tasks.classification.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Mix:
    """How a batch is mixed.

    Attributes:
        share: of an image that is its own, 0 to 1.
        box: where the partner's pixels lie, as shares of height and width (top, left, bottom,
            right); None to blend the whole images.
    """

    share: float = 1.0
    box: tuple[float, float, float, float] | None = None


def draw_mix(recipe: Recipe, generator: Generator) -> Mix:
    """Draw mixup (Zhang et al. 2018) or cutmix (Yun et al. 2019); nothing if both are off."""
    kinds = [alpha for alpha in (recipe.mixup, recipe.cutmix) if alpha]
    if not kinds:
        return Mix()
    rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
    cut = bool(recipe.cutmix) and (not recipe.mixup or rng.random() < 1 / 2)
    share = rng.beta(*(recipe.cutmix if cut else recipe.mixup,) * 2)
    if not cut:
        return Mix(share)
    half = sqrt(1 - share) / 2
    y, x = rng.random(2)
    edges = np.clip((y - half, x - half, y + half, x + half), 0, 1).tolist()
    return Mix(share, (edges[0], edges[1], edges[2], edges[3]))


def mixed(images: Tensor, target: Tensor, mix: Mix) -> tuple[Tensor, Tensor, float]:
    """Mix a batch with its neighbours.

    Args:
        images: ``[B, C, H, W]``.
        target: classes, int64 ``[B]``.
        mix: how.

    Returns:
        Images, classes of the partners, and the share of an image that is its own. Of cutmix it is
        counted in whole pixels.
    """
    if mix == Mix():
        return images, target, 1.0
    partners = torch.arange(len(images), device=images.device) ^ 1
    partners = torch.where(partners < len(images), partners, len(images) - 1)
    partner = target[partners]
    if mix.box is None:
        return torch.lerp(images[partners], images, mix.share), partner, mix.share
    height, width = images.shape[2:]
    top, left, bottom, right = (
        round(edge * length) for edge, length in zip(mix.box, (height, width) * 2, strict=True)
    )
    cut = images.clone()
    cut[:, :, top:bottom, left:right] = images[partners, :, top:bottom, left:right]
    return cut, partner, 1 - (bottom - top) * (right - left) / (height * width)


def mixed_loss(
    logits: Tensor,
    target: Tensor,
    partner: Tensor,
    share: float,
    smoothing: float,
    *,
    weights: Tensor | None = None,
) -> Tensor:
    """Cross-entropy to both classes of mixed images, by their shares.

    Args:
        logits: ``[B, classes]``.
        target: classes, int64 ``[B]``.
        partner: classes that images are mixed with, likewise.
        share: of an image that is its own.
        smoothing: share of the target spread over all classes.
        weights: of the classes, ``[classes]``. The loss is the mean over the images of weight times
            cross-entropy, which even parts of a batch can be averaged to; torch's own weighting
            divides by the weights that a part happens to have.
    """
    own = _loss(logits, target, smoothing, weights)
    if share == 1:
        return own
    return share * own + (1 - share) * _loss(logits, partner, smoothing, weights)


def _loss(logits: Tensor, target: Tensor, smoothing: float, weights: Tensor | None) -> Tensor:
    if weights is None:
        return functional.cross_entropy(logits, target, label_smoothing=smoothing)
    each = functional.cross_entropy(logits, target, label_smoothing=smoothing, reduction="none")
    return (each * weights[target]).mean()
