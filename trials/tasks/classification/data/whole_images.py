"""Images of class folders that are decoded each time they are seen: ImageNet's layout as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trials.tasks.classification.data.class_folders import readable
from trials.tasks.classification.data.layout import list_folder
from trials.tasks.classification.data.picture import read_image
from trials.tasks.classification.data.reading import Reading, summary

COLOUR = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation by channel that networks for ImageNet are published with."""


@dataclass(frozen=True, slots=True)
class WholeImages:
    """Image files with their labels.

    Attributes:
        files: by index.
        labels: by index.
        channels: 1 for grey, 3 for colour; images of the other kind are converted.
    """

    files: Sequence[Path]
    labels: Sequence[int]
    channels: int

    def __len__(self) -> int:
        return len(self.files)

    def image(self, index: int) -> tuple[NDArray[np.uint8], int]:
        """Image as uint8 ``[C, H, W]`` of its own size, and its label.

        Raises:
            InputError: the file cannot be decoded.
        """
        pixels = read_image(self.files[index], self.channels)
        return pixels.copy(), self.labels[index]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of images for full training.

    Attributes:
        classes: names by label.
        training: to learn from.
        measuring: to measure on.
        part: see `trials.records.FullTraining`.
        identity: text that differs where files, sizes or times of change do.
        summary: one line of what was read; what single files hold is not known here.
    """

    classes: tuple[str, ...]
    training: WholeImages
    measuring: WholeImages
    part: str
    identity: str
    summary: str


def open_folder(folder: Path, channels: int, *, skip_damaged: bool = False) -> Folder:
    """List a folder's images, decoding none unless damaged ones are to be skipped.

    Raises:
        InputError: it is no folder of class folders.
    """
    listed = list_folder(folder)
    found = readable(listed) if skip_damaged else listed
    training, measuring = (WholeImages(part.files, part.labels, channels) for part in found.parts())
    part = "test" if found.test is not None else "held-out"
    told = summary(
        folder.resolve().name or "folder",
        found.classes,
        {
            name: np.asarray(images.labels, dtype=np.int64)
            for name, images in (("train", training), ("test", measuring))
        },
        Reading(folders=found.folders, left_out=found.left_out),
    )
    return Folder(found.classes, training, measuring, part, found.identity, told)
