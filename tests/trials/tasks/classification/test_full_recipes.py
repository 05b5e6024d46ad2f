"""Recipes of full training are the authors', or longer ones for small images."""

import pytest

from search_spaces import InputError
from trials.tasks.classification.full_recipes import (
    convnext,
    deit,
    full_recipe,
    in_batches_of,
    mobilenet,
    of_length,
    residual,
)
from trials.tasks.classification.recipe import Recipe


@pytest.mark.parametrize(
    ("backbone", "recipe"),
    [
        ("resnet18", residual()),
        ("resnet50", residual()),
        ("convnext-tiny", convnext()),
        ("deit-tiny", deit()),
        ("mobilenetv2", mobilenet()),
        ("mobilenetv2-050-late", mobilenet()),
        ("nets:mine", residual()),
    ],
)
def test_large_images_get_the_recipe_of_their_backbone(backbone: str, recipe: Recipe) -> None:
    assert full_recipe(backbone, "./imagenet", 224) == recipe


def test_the_authors_lengths_and_temperatures() -> None:
    """20 of 300 epochs, 15 of 150."""
    assert [r.epochs for r in (residual(), convnext(), mobilenet())] == [300, 300, 150]
    assert residual().temperature_share * 300 == pytest.approx(20)
    assert mobilenet().temperature_share * 150 == pytest.approx(15)
    assert convnext().changed(drop_path=0.0, ema=0.0) == residual()


def test_deit_is_trained_as_its_authors_did() -> None:
    """Table 9 of Touvron et al. 2021: a rate of 0.0005 for every 512 images of a batch."""
    recipe = deit()
    assert recipe.learning_rate == pytest.approx(0.0005 * recipe.batch_size / 512)
    assert (recipe.epochs, recipe.optimiser, recipe.weight_decay) == (300, "adamw", 0.05)
    assert (recipe.warmup_epochs, recipe.drop_path, recipe.label_smoothing) == (5, 0.1, 0.1)
    assert (recipe.rand_magnitude, recipe.mixup, recipe.cutmix, recipe.erasing) == (9, 0.8, 1, 0.25)


@pytest.mark.parametrize(
    "source", ["digits", "fashion-mnist", "cifar10", "cifar100", "svhn", "./small"]
)
def test_small_images_are_trained_for_long_and_kept_whole(source: str) -> None:
    recipe = full_recipe("resnet18", source, 8 if source == "digits" else 32)
    assert 60 <= recipe.epochs <= 200
    assert recipe.crop_area is None
    assert bool(recipe.erasing) == (source != "digits")


def test_the_learning_rate_follows_the_batch() -> None:
    recipe = in_batches_of(residual(), 1024)
    assert (recipe.batch_size, recipe.learning_rate) == (1024, 1e-3)


def test_a_crop_from_large_to_small_is_refused() -> None:
    with pytest.raises(InputError, match="crop_area"):
        residual().changed(crop_area=(1.0, 0.5))


def test_a_full_training_of_small_images_follows_the_study() -> None:
    """A network found at a small learning rate is not trained at one five times as large."""
    proxy = {
        "data": "digits",
        "learning_rate": 0.02,
        "batch_size": 64,
        "momentum": 0.0,
        "gradient_clip": 1.0,
        "weight_decay": 1e-3,
        "attention_start": "assigned",
        "attention_learning_rate": 0.1,
        "recalibration": 16,
        "crop_padding": 1,
        "flip": True,
        "dtype": "bfloat16",
        "warmup_epochs": 0.5,
        "label_smoothing": 0.0,
    }
    recipe = full_recipe("resnet8", "digits", 8, proxy)
    assert (recipe.learning_rate, recipe.batch_size, recipe.gradient_clip) == (0.02, 64, 1.0)
    assert (recipe.momentum, recipe.nesterov, recipe.padding) == (0.0, False, 1)
    assert (recipe.attention_start, recipe.recalibration) == ("assigned", 16)
    usual = full_recipe("resnet8", "digits", 8)
    assert (recipe.epochs, recipe.ema) == (usual.epochs, usual.ema)
    assert recipe.label_smoothing == usual.label_smoothing
    assert full_recipe("resnet18", "./large", 224, proxy) == residual()


def test_short_trainings_of_small_images_have_no_rand_augment():
    """It cost accuracy in 3 and in 9 epochs (benchmarks/full_recipe.md); crops keep theirs."""
    full = full_recipe("resnet8x0.5", "fashion-mnist", 28)
    assert (full.epochs, full.rand_augment) == (60, 1)
    for epochs, wanted in ((3, 0), (9, 0), (14, 0), (15, 1), (60, 1), (120, 1)):
        short = of_length(full, epochs)
        assert (short.epochs, short.rand_augment) == (epochs, wanted)
        assert short.warmup_epochs == pytest.approx(full.warmup_epochs * epochs / 60)
    cropped = full_recipe("resnet18", "./photos", 224)
    assert of_length(cropped, 3).rand_augment == cropped.rand_augment > 0
