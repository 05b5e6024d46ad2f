"""Recipes of full training: the authors' for their backbones, longer ones for small images.

Li and Yao train on ImageNet with the recipe of ConvNeXt (Liu et al. 2022, appendix A.1) for 300
epochs, and MobileNetV2 with a plain one for 150. Numbers are the settings and defaults of their
published implementation, at the batch sizes that its examples name. Of it, ResNets here have no
stochastic depth, as torchvision's have none, and erased rectangles are black, not noise. DeiT's is
that of Touvron et al. 2021 (table 9), without repeated augmentation.
"""

from collections.abc import Mapping
from typing import Any

from trials.tasks.classification.catalogue import NAMED
from trials.tasks.classification.recipe import SHARED, Recipe, of_proxy, recipe_for

_FOLDER = 100

RAND_AUGMENT_SHARE = 0.25
"""Shortest training of small images with RandAugment, as a share of the recipe's own length."""

_FEW_PIXELS = 24
_LARGE = 96
"""Pixels from which images are cropped from their files, as ImageNet's are."""


def residual() -> Recipe:
    """ResNet-18 and ResNet-50 on ImageNet."""
    return Recipe(
        epochs=300,
        batch_size=4096,
        optimiser="adamw",
        learning_rate=4e-3,
        weight_decay=0.05,
        warmup_epochs=20.0,
        label_smoothing=0.1,
        padding=0,
        temperature_share=20 / 300,
        dtype="bfloat16",
        crop_area=(0.08, 1.0),
        rand_augment=2,
        rand_magnitude=9,
        erasing=0.25,
        mixup=0.8,
        cutmix=1.0,
    )


def convnext() -> Recipe:
    """ConvNeXt-Tiny on ImageNet: `residual` with stochastic depth and averaged weights."""
    return residual().changed(drop_path=0.3, ema=0.9999)


def mobilenet() -> Recipe:
    """MobileNetV2 on ImageNet, whatever its width: crops and mirror images are all it gets."""
    return Recipe(
        epochs=150,
        batch_size=256,
        learning_rate=0.05,
        nesterov=True,
        weight_decay=4e-5,
        warmup_epochs=0.0,
        label_smoothing=0.1,
        padding=0,
        temperature_share=15 / 150,
        dtype="bfloat16",
        crop_area=(0.08, 1.0),
    )


def deit() -> Recipe:
    """DeiT-Tiny on ImageNet: `residual` with smaller batches, a lower rate and stochastic depth."""
    return residual().changed(batch_size=1024, learning_rate=1e-3, warmup_epochs=5.0, drop_path=0.1)


def small(source: str, size: int) -> Recipe:
    """Small images, by the data source's name: the proxy's recipe, longer and with more noise.

    Images of `_FEW_PIXELS` or more get one operation of RandAugment and erased rectangles; smaller
    ones, such as the digits, would lose what they show.
    """
    recipe = recipe_for(source, NAMED[source].epochs if source in NAMED else _FOLDER)
    recipe = recipe.changed(label_smoothing=0.1, ema=0.998, warmup_epochs=5.0)
    return recipe if size < _FEW_PIXELS else recipe.changed(rand_augment=1, erasing=0.25)


def full_recipe(
    backbone: str,
    source: str,
    size: int,
    proxy: Mapping[str, Any] | None = None,
) -> Recipe:
    """The recipe of a full training.

    Args:
        backbone: name of the table.
        source: name or folder of the data.
        size: edge of an image in pixels.
        proxy: settings of the short training that found the network, on the same data: a longer one
            on small images keeps its learning rate, batches, clipping and the like (`SHARED`). None
            for what is usual.
    """
    if source in NAMED or size < _LARGE:
        return small(source, size).changed(**of_proxy(proxy or {}, SHARED))
    families = {"mobilenet": mobilenet, "convnext": convnext, "deit": deit}
    return next((of() for start, of in families.items() if backbone.startswith(start)), residual())


def in_batches_of(recipe: Recipe, batch_size: int) -> Recipe:
    """A recipe with other batches, its learning rate changed in proportion (Goyal et al. 2017)."""
    rate = recipe.learning_rate * batch_size / recipe.batch_size
    return recipe.changed(batch_size=batch_size, learning_rate=rate)


def of_length(recipe: Recipe, epochs: int) -> Recipe:
    """A recipe of another length; its warm-up is the same share of it.

    On small images RandAugment is left out of what is shorter than `RAND_AUGMENT_SHARE` of the
    recipe: it teaches nothing yet, and costs accuracy (``benchmarks/full_recipe.md``).
    """
    warmup = recipe.warmup_epochs * epochs / recipe.epochs
    changed = recipe.changed(epochs=epochs, warmup_epochs=warmup)
    short = recipe.crop_area is None and epochs < RAND_AUGMENT_SHARE * recipe.epochs
    return changed.changed(rand_augment=0) if short else changed
