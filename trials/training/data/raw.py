"""Images as a source has them, before they are resized and written to the cache."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from trials.training.data.split import Index, split

Pixels = NDArray[np.uint8]

TEST_SHARE = 1 / 6
"""Share of every class kept as the test set where a source has none of its own."""


@dataclass(frozen=True, slots=True)
class Part:
    """Images of one purpose.

    Attributes:
        labels: class of each image, ``[N]``.
        read: image i as uint8 ``[C, H, W]``; raises InputError naming the file if it is damaged.
        describe: what to call image i in a message.
    """

    labels: Index
    read: Callable[[int], Pixels]
    describe: Callable[[int], str]

    @classmethod
    def of_array(cls, images: Pixels, labels: NDArray[np.integer], name: str) -> Self:
        """Images that are in memory already, ``[N, C, H, W]``."""
        return cls(
            labels.astype(np.int64),
            lambda number: images[number],
            lambda number: f"image {number} of {name}",
        )

    def only(self, index: Index) -> "Part":
        """The images with these numbers."""
        return Part(
            self.labels[index],
            lambda number: self.read(int(index[number])),
            lambda number: self.describe(int(index[number])),
        )

    def without_test(self) -> tuple["Part", "Part"]:
        """Training images and a fixed stratified test set of `TEST_SHARE`."""
        parts = split(self.labels, seed=0, validation_share=TEST_SHARE)
        return self.only(parts.training), self.only(parts.validation)


@dataclass(frozen=True, slots=True)
class Source:
    """A data set, opened.

    Attributes:
        classes: their names, by label.
        channels: 1 for grey images, 3 for colour.
        train: images for training and validation.
        test: images that only full training may see.
    """

    classes: tuple[str, ...]
    channels: int
    train: Part
    test: Part


@dataclass(frozen=True, slots=True)
class Located:
    """A data set that has been found, but not read.

    Attributes:
        name: short name for people and for the cache folder.
        identity: text that differs whenever the images differ (channels included).
        open: reads it; raises InputError where something is missing or damaged.
    """

    name: str
    identity: str
    open: Callable[[], Source]
