"""The data sets that have a name: all that is known of them before their images are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class NamedSet:
    """One data set.

    Attributes:
        reader: who reads its original files.
        classes: number of classes.
        channels: of an image.
        edge: height and width of an image in pixels.
        recipe: name of its short recipe, one of `trials.tasks.classification.recipe.PRESETS`.
        epochs: length of a full training.
        hub: its name on the Hugging Face hub, None if it has none.
        has_test: whether it has a test set of its own.
        resized: whether a training brings its images to the size that the network is made for.
    """

    reader: Literal["scikit-learn", "idx", "torchvision"]
    classes: int
    channels: int
    edge: int
    recipe: str
    epochs: int
    hub: str | None = None
    has_test: bool = True
    resized: bool = True


NAMED: Mapping[str, NamedSet] = MappingProxyType(
    {
        "digits": NamedSet("scikit-learn", 10, 1, 8, "digits", 100, has_test=False, resized=False),
        "fashion-mnist": NamedSet(
            "idx", 10, 1, 28, "fashion-mnist", 60, "zalando-datasets/fashion_mnist"
        ),
        "cifar10": NamedSet("torchvision", 10, 3, 32, "small-images", 200, "uoft-cs/cifar10"),
        "cifar100": NamedSet("torchvision", 100, 3, 32, "small-images", 200, "uoft-cs/cifar100"),
        "svhn": NamedSet("torchvision", 10, 3, 32, "unmirrored", 60, "ufldl-stanford/svhn"),
    }
)
"""By the name that a study file gives."""

NAMES = tuple(NAMED)


def keeps_its_size(source: str) -> bool:
    """Whether images of a source stay as large as they are, whatever the network is made for."""
    return source in NAMED and not NAMED[source].resized
