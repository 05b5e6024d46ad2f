"""How a network is trained: settings with their units, and presets derived from one another."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from search_spaces.errors import InputError, plural
from trials.fidelity import Ladder
from trials.tasks.classification.catalogue import NAMED

UPSTREAM_TEMPERATURE_SHARE = 1 / 15
"""20 of upstream's 300 epochs (Li and Yao, arXiv 2308.08361, appendix on training)."""

SHARED = {
    "batch_size": "batch_size",
    "learning_rate": "learning_rate",
    "momentum": "momentum",
    "weight_decay": "weight_decay",
    "attention_start": "attention_start",
    "attention_learning_rate": "attention_learning_rate",
    "gradient_clip": "gradient_clip",
    "class_weights": "class_weights",
    "recalibration": "recalibration",
    "crop_padding": "padding",
    "flip": "flip",
    "dtype": "dtype",
}
"""Settings of a study's proxy that a full training of its networks keeps -> fields of a recipe."""

SHORT = {
    "warmup_epochs": "warmup_epochs",
    "temperature_share": "temperature_share",
    "label_smoothing": "label_smoothing",
}
"""The same for settings that belong to the length of the proxy's training."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Unit = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, le=1)]
AttentionStart = Literal["assigned", "temperature"]
ClassWeights = Literal["none", "balanced"]
QualityName = Literal["accuracy", "balanced_accuracy", "macro_f1"]
QUALITY_NAMES: tuple[str, ...] = get_args(QualityName)
"""What trials of images can be compared by."""


_BEFORE = {
    "attention_start": "temperature",
    "attention_learning_rate": 1.0,
    "class_weights": "none",
    "quality": "accuracy",
}
"""What was done before a setting came."""


class Recipe(BaseModel):
    """How a network is trained; what is not asked for is off."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    epochs: Annotated[int, Field(ge=1)] = Field(
        description="Length of the whole run, in passes over the training images. The schedules "
        "span it, also where a run is stopped earlier."
    )
    batch_size: Annotated[int, Field(ge=2)] = Field(
        128,
        description="Images a step, over all processes together. The last incomplete batch of an "
        "epoch is dropped; with fewer training images than this, all of them make one batch.",
    )
    optimiser: Literal["sgd", "adamw"] = Field(
        "sgd", description="Stochastic gradient descent with momentum, or AdamW."
    )
    learning_rate: Positive = Field(0.1, description="Its peak, at the end of the warm-up.")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.9, description="Share of the last update that is kept; AdamW has its own."
    )
    nesterov: bool = Field(
        default=True, description="Whether the gradient is taken where the momentum leads."
    )
    weight_decay: NotNegative = Field(
        5e-4,
        description="Per step and unit of learning rate, on kernels, cells and linear layers; "
        "norms and biases never decay.",
    )
    warmup_epochs: NotNegative = Field(1.0, description="Epochs of linear warm-up.")
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Share of the target spread over all classes."
    )
    class_weights: ClassWeights = Field(
        "none",
        description="balanced: the loss of an image is weighted by the mean number of images of a "
        "class over the number of its own class, so that all classes count the same.",
    )
    quality: QualityName = Field(
        "accuracy",
        description="What is measured on the images that are set apart: the share classified "
        "rightly, the mean of the classes' recalls, or the mean of their F1 scores.",
    )
    padding: Annotated[int, Field(ge=0)] = Field(
        4, description="Black pixels added on each side before a random crop; 0 for no crop."
    )
    flip: bool = Field(default=True, description="Whether half of the images are mirrored.")
    temperature_share: Annotated[float, Field(ge=0, le=1)] = Field(
        UPSTREAM_TEMPERATURE_SHARE,
        description="Share of the run over which the attention's temperature falls from 1 to 0, "
        "linearly by step; it scales with the length of the run. Without effect where attention "
        "starts assigned.",
    )
    attention_start: AttentionStart = Field(
        "temperature",
        description="assigned: each piece of a kernel begins as one cell, at temperature 0, and "
        "attention learns to depart from that; temperature: attention begins random and is "
        "switched on by the falling temperature, as the authors do.",
    )
    attention_learning_rate: Annotated[float, Field(ge=0, le=100)] = Field(
        1.0, description="Factor on the learning rate of attention; at 0 it learns nothing."
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32", description="Arithmetic of the forward pass; parameters stay float32."
    )
    gradient_clip: Positive | None = Field(
        None, description="Largest norm of all gradients together; no limit if unset."
    )
    crop_area: tuple[Share, Share] | None = Field(
        None,
        description="Least and largest share of an image's area that a random crop takes, brought "
        "to the network's size; unset, images are brought to it whole and once for all.",
    )
    rand_augment: Annotated[int, Field(ge=0)] = Field(
        0, description="Operations of RandAugment on each image."
    )
    rand_magnitude: Annotated[int, Field(ge=0, le=30)] = Field(
        9, description="Their strength, 0 to 30."
    )
    erasing: Unit = Field(0.0, description="Share of images with a random rectangle erased.")
    mixup: NotNegative = Field(
        0.0, description="Parameter of the beta distribution of mixup's shares; 0 for none."
    )
    cutmix: NotNegative = Field(
        0.0,
        description="The same of cutmix. With both, each batch is mixed in one of the two ways.",
    )
    drop_path: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="Share of images that skip the last block, growing from 0 at the first one; "
        "where the network has stochastic depth.",
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Share of features dropped before the classifier, where it has dropout."
    )
    ema: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="Decay by step of the moving average of the weights that is evaluated and "
        "kept; it is lower in the first steps. 0 for no average.",
    )
    recalibration: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Batches of training images from which batch norms take their statistics anew "
        "before each measurement; 0 leaves them the running ones.",
    )

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warmup_epochs is {self.warmup_epochs}, but the run has "
                f"{plural(self.epochs, 'epoch')}; warm up for less"
            )
        if self.crop_area is not None and self.crop_area[0] > self.crop_area[1]:
            raise ValueError(f"crop_area is {[*self.crop_area]}; write the smaller share first")
        if self.optimiser == "sgd" and self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0; set nesterov to false")
        return self

    def facts(self) -> dict[str, Any]:
        """What tells this recipe from others, as plain values.

        Settings that came later are left out where they ask for what was done before them, so that
        a training begun then can be gone on with.
        """
        plain = self.model_dump(mode="json")
        for name, before in _BEFORE.items():
            if plain[name] == before:
                del plain[name]
        return plain

    def changed(self, **changes: object) -> Self:
        """A copy with other values, checked like a new one.

        Raises:
            InputError: a field is unknown or its value out of range; all faults are named.
        """
        try:
            return self.model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc'])) or 'recipe'}: {fault['msg']}"
                for fault in error.errors()
            )
            raise InputError(f"This recipe cannot be used: {faults}.", "Change it.") from None


def stretched(recipe: Recipe, epochs: int) -> Recipe:
    """The same recipe for another length: its schedules keep their shape, warm-up included."""
    warmup = recipe.warmup_epochs * epochs / recipe.epochs
    return recipe.changed(epochs=epochs, warmup_epochs=warmup)


def of_proxy(proxy: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Values of recipe fields that follow from settings of a proxy; absent settings have none.

    Args:
        proxy: settings by name, as a study keeps them.
        names: `SHARED`, `SHORT` or both.
    """
    found = {field: proxy[name] for name, field in names.items() if name in proxy}
    return found | ({"nesterov": found["momentum"] > 0} if "momentum" in found else {})


def small_images(epochs: int) -> Recipe:
    """CIFAR and SVHN at 32 pixels: He et al. 2016, section 4.2, with cosine decay and Nesterov."""
    return Recipe(epochs=epochs, warmup_epochs=min(1.0, epochs / 5))


def fashion_mnist(epochs: int) -> Recipe:
    """Grey 28-pixel clothes: `small_images` with a smaller shift."""
    return small_images(epochs).changed(padding=2)


def digits(epochs: int) -> Recipe:
    """Grey 8-pixel digits: `small_images` in small batches, neither shifted nor mirrored.

    A pixel is an eighth of the image here: shifting by one cost 3 to 6 points in 9 epochs. The
    temperature falls over a ninth of the run, the first of nine epochs.

    Measured on 2026-11-24 (one core of an AMD EPYC with avx512_bf16, float32): ResNet-8 with
    warehouses by stage, 9 epochs on the ladder 1, 3, 9, mean over seeds 0 to 2 on n = 299
    validation images (standard error of one run 0.010): 0.967 for b = 1/4, 0.969 for b = 1.
    """
    return small_images(epochs).changed(
        batch_size=32, padding=0, flip=False, temperature_share=1 / 9
    )


def folder(epochs: int) -> Recipe:
    """Any class folders: `small_images` with label smoothing."""
    return small_images(epochs).changed(label_smoothing=0.1)


def unmirrored(epochs: int) -> Recipe:
    """House numbers: `small_images`, but a mirrored digit is another sign."""
    return small_images(epochs).changed(flip=False)


PRESETS: Mapping[str, Callable[[int], Recipe]] = {
    "digits": digits,
    "fashion-mnist": fashion_mnist,
    "small-images": small_images,
    "unmirrored": unmirrored,
    "folder": folder,
}
"""Short recipes of small images, by name; each is a function of the epochs."""


def recipe_for(source: str, epochs: int) -> Recipe:
    """The preset of a data source by its name; `folder` for a path."""
    preset = NAMED[source].recipe if source in NAMED else "folder"
    return PRESETS[preset](epochs)


def for_ladder(recipe: Recipe, ladder: Ladder) -> Recipe:
    """A recipe cut to a ladder's length, with warm-up and temperature done by the first rung.

    A rung measured while the temperature is above 0 would compare networks whose attention is
    still partly switched off, and a short first rung would lie in the warm-up.
    """
    first = ladder.rungs[0] / ladder.top
    return recipe.changed(
        epochs=ladder.top,
        warmup_epochs=min(recipe.warmup_epochs * ladder.top / recipe.epochs, ladder.rungs[0] / 2),
        temperature_share=min(recipe.temperature_share, first),
    )
