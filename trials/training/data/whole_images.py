"""Images of class folders that are decoded each time they are seen: ImageNet's layout as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trials.training.data.class_folders import list_folder, read_image

COLOUR = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation by channel that networks for ImageNet are published with."""


@dataclass(frozen=True, slots=True)
class WholeImages:
    """Image files with their labels.

    Attributes:
        files: by place.
        labels: by place.
        channels: 1 for grey, 3 for colour; images of the other kind are converted.
    """

    files: Sequence[Path]
    labels: Sequence[int]
    channels: int

    def __len__(self) -> int:
        return len(self.files)

    def image(self, place: int) -> tuple[NDArray[np.uint8], int]:
        """Image as uint8 ``[C, H, W]`` of its own size, and its label.

        Raises:
            InputError: the file cannot be decoded.
        """
        pixels = read_image(self.files[place], self.channels)
        return pixels.copy(), self.labels[place]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of images for full training.

    Attributes:
        classes: names by label.
        training: to learn from.
        measuring: to measure on.
        part: see `trials.records.FullTraining`.
        identity: text that differs where files, sizes or times of change do.
    """

    classes: tuple[str, ...]
    training: WholeImages
    measuring: WholeImages
    part: str
    identity: str


def open_folder(folder: Path, channels: int) -> Folder:
    """List a folder's images without decoding any.

    Raises:
        InputError: it is no folder of class folders.
    """
    found = list_folder(folder)
    training, measuring = (WholeImages(part.files, part.labels, channels) for part in found.parts())
    part = "test" if found.test is not None else "held-out"
    return Folder(found.classes, training, measuring, part, found.identity)
