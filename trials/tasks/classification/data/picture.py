"""One image file: what its head says of it, and its pixels as 8 bits a channel, upright."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from search_spaces.errors import InputError
from trials.tasks.classification.data.raw import Pixels

GREY_MODES = frozenset(("1", "L", "LA"))
DEEP_MODES = frozenset(("I", "I;16", "I;16B", "I;16L", "I;16N"))
"""Grey with 16 bits a pixel. Pillow's ``I`` has room for 32; values beyond 16 bits are refused."""

FLOAT_MODE = "F"
UPRIGHT = 1
DEEPEST, WHITE = 65535, 255
"""Largest values of 16 and of 8 bits."""

DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)
"""What Pillow raises on files that are no images, cut short or damaged."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What the head of an image file says.

    Attributes:
        grey: whether it has no colour; of one with a palette that is not known, so it has.
        square: whether it is as high as wide.
        turned: whether EXIF data say that it is to be turned or mirrored.
        deep: whether it has 16 bits a channel.
        alpha: whether it has transparency.
        several: whether it is animated or has several pages.
    """

    grey: bool
    square: bool
    turned: bool
    deep: bool
    alpha: bool
    several: bool


def traits(path: Path) -> Traits | None:
    """Read the head of a file; None where that cannot be done, `read_image` says why."""
    try:
        with Image.open(path) as image:
            return Traits(
                grey=image.mode in GREY_MODES | DEEP_MODES,
                square=image.width == image.height,
                turned=_is_turned(image),
                deep=_is_deep(image),
                alpha=image.has_transparency_data,
                several=image.format != "MPO" and getattr(image, "is_animated", False),
            )
    except DECODE_ERRORS:
        return None


def read_image(path: Path, channels: int) -> Pixels:
    """Decode a file to ``[C, H, W]``.

    It is turned as its EXIF data say. 16 bits a channel become 8, white staying white;
    transparency is dropped; of several pictures the first is taken.

    Args:
        path: the file.
        channels: 1 for grey, 3 for colour; images of the other kind are converted.

    Raises:
        InputError: the file cannot be decoded, or has more than 16 bits a channel.
    """
    try:
        with Image.open(path) as image:
            if _is_turned(image):
                ImageOps.exif_transpose(image, in_place=True)
            shallow = _eight_bits(image, path) if image.mode in DEEP_MODES else image
            if shallow.mode == FLOAT_MODE:
                raise InputError(f"{path} holds floating-point values.")
            pixels = np.asarray(shallow.convert("L" if channels == 1 else "RGB"))
    except DECODE_ERRORS as error:
        known = not isinstance(error, UnidentifiedImageError)  # whose text names the file again
        reason = error if known else "no known format of images"
        raise InputError(f"{path} cannot be decoded: {reason}.") from None
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _is_turned(image: ImageFile) -> bool:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except Exception:  # noqa: BLE001 - Pillow raises anything on EXIF data that are damaged
        return False
    return orientation in range(UPRIGHT + 1, 9)


def _is_deep(image: ImageFile) -> bool:
    """Whether the file has 16 bits a channel, which Pillow cuts to 8 by itself in colour."""
    arguments = image.tile[0].args if image.tile else None
    raw = arguments[0] if isinstance(arguments, tuple) else arguments
    cut = isinstance(raw, str) and ";16" in raw and not raw.startswith("BGR")  # 5, 6, 5 bits
    return image.mode in DEEP_MODES or cut


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """Grey values from 0 to 65535 brought to 0 to 255, rounded to the nearest."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > DEEPEST:
        raise InputError(f"{path} has more than 16 bits a channel.")
    return Image.fromarray(((values * WHITE + DEEPEST // 2) // DEEPEST).astype(np.uint8))
