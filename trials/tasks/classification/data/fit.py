"""One image at a time: from whatever size a source has to the size of the study."""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from search_spaces.errors import InputError, plural
from trials.tasks.classification.data.raw import Part, Pixels

MOST_FAULTS = 20
"""Damaged images named in one message."""


class UnusableImagesError(InputError):
    """Images that are damaged, or of another size than they must have.

    Attributes:
        faults: a sentence for each.
    """

    def __init__(self, faults: Sequence[str], *, scale: bool) -> None:
        self.faults = tuple(faults[:MOST_FAULTS])
        super().__init__(
            f"{plural(len(self.faults), 'image')} cannot be used: {' '.join(self.faults)}",
            "Repair or remove them, or set skip_damaged = true to go on without damaged ones."
            if scale
            else "Set an image size, or repair them.",
        )


def fit(pixels: Pixels, size: int) -> Pixels:
    """Scale the shorter edge to ``size`` (antialiased bilinear) and cut the middle square out.

    Args:
        pixels: ``[C, H, W]``; returned as it is when it has the size already.
        size: edge of the square in pixels.
    """
    channels, height, width = pixels.shape
    if height == width == size:
        return pixels
    scale = size / min(height, width)
    rows, columns = (max(round(edge * scale), size) for edge in (height, width))
    top, left = (rows - size) // 2, (columns - size) // 2
    scaled = np.stack(
        [
            np.asarray(Image.fromarray(plane).resize((columns, rows), Image.Resampling.BILINEAR))
            for plane in np.ascontiguousarray(pixels)
        ]
    )
    return scaled[:channels, top : top + size, left : left + size]


def native_size(part: Part) -> int:
    """Edge of the first image that can be read.

    Raises:
        InputError: it is not square, or none can be read.
    """
    for number in range(len(part.labels)):
        try:
            _, height, width = part.read(number).shape
        except InputError:
            continue
        if height != width:
            raise InputError(
                f"{part.describe(number)} is {width} x {height} pixels, not square.",
                "Set an image size; images are then scaled and their middle square is used.",
            )
        return int(height)
    raise InputError("Not one training image can be read.", "Check the files.")


def fitted(part: Part, size: int, *, scale: bool) -> Iterator[Pixels]:
    """Every image of a part as ``[C, size, size]``; stops yielding at the first fault.

    Args:
        part: the images.
        size: edge in pixels.
        scale: whether images of other sizes are scaled; else they are faults.

    Raises:
        UnusableImagesError: after the last image, with up to `MOST_FAULTS` faults.
    """
    faults: list[str] = []
    for number in range(len(part.labels)):
        try:
            pixels = part.read(number)
        except InputError as error:
            faults.append(error.cause)
        else:
            if not scale and pixels.shape[1:] != (size, size):
                found = " x ".join(map(str, pixels.shape[:0:-1]))
                faults.append(f"{part.describe(number)} is {found} pixels, not {size} x {size}.")
            elif not faults:
                yield fit(pixels, size)
        if len(faults) == MOST_FAULTS:
            break
    if faults:
        raise UnusableImagesError(faults, scale=scale)
