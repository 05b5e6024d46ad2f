"""Images as a source has them, before they are resized and written to the cache."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search_spaces.errors import plural
from trials.tasks.classification.data.reading import Reading
from trials.tasks.classification.data.split import Index, Split, split

Pixels = NDArray[np.uint8]

TEST_SHARE = 1 / 6
"""Share of every class kept as the test set where a source has none of its own."""

LEAST_KEPT = 2
"""Images of a class that are never held out: one to learn from, one to compare on."""


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
        parts = held_out(self.labels)
        return self.only(parts.training), self.only(parts.validation)

    def in_channels(self, channels: int) -> "Part":
        """The images in as many channels."""
        return Part(
            self.labels, lambda number: in_channels(self.read(number), channels), self.describe
        )


def in_channels(pixels: Pixels, channels: int) -> Pixels:
    """An image ``[C, H, W]`` with as many channels.

    Grey is repeated to colour; colour turns into its luma (ITU-R 601), as in Pillow.
    """
    if len(pixels) == channels:
        return pixels
    if len(pixels) == 1:
        return np.repeat(pixels, channels, axis=0)
    colour = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    return np.asarray(colour.convert("L"))[None]


def held_out(labels: Index) -> Split:
    """The fixed stratified cut of the images kept for the end, where a source has none.

    Every class keeps two images, one to learn from and one to compare trials on, as far as it has
    them; where no class has more, nothing is held out.
    """
    if np.bincount(labels, minlength=1).max() <= LEAST_KEPT:
        return Split(np.arange(len(labels)), np.arange(0))
    return split(labels, seed=0, validation_share=TEST_SHARE, keep=LEAST_KEPT)


@dataclass(frozen=True, slots=True)
class Source:
    """A data set, opened.

    Attributes:
        classes: their names, by label.
        channels: 1 for grey images, 3 for colour.
        train: images for training and validation.
        test: images that only full training may see.
        validation: number of images at the end of ``train`` that trials are compared on; None
            where a share of ``train`` is.
        grey: images without colour of their own.
        oblong: images that are not square.
        reading: what was left out and changed on the way to here.
    """

    classes: tuple[str, ...]
    channels: int
    train: Part
    test: Part
    validation: int | None = None
    grey: int = 0
    oblong: int = 0
    reading: Reading = field(default_factory=Reading)

    def in_channels(self, channels: int) -> "Source":
        """The same images with as many channels, and a note of those that change."""
        total = len(self.train.labels) + len(self.test.labels)
        grey = total if self.channels == 1 else self.grey
        told = {
            f"grey repeated to {plural(channels, 'channel')}": grey if channels > 1 else 0,
            "in colour turned to grey": total - grey if channels == 1 else 0,
        }
        return replace(
            self,
            channels=channels,
            train=self.train.in_channels(channels),
            test=self.test.in_channels(channels),
            reading=self.reading.with_changes(told),
        )


@dataclass(frozen=True, slots=True)
class Located:
    """A data set that has been found, but not read.

    Attributes:
        name: short name for people and for the cache folder.
        identity: text that differs whenever the images differ.
        open: reads it; raises InputError where something is missing or damaged.
        rules: text that differs where the same images are read in another way, if there are ways.
    """

    name: str
    identity: str
    open: Callable[[], Source]
    rules: str = ""
