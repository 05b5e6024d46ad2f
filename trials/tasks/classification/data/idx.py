"""Reader of IDX files, the format of MNIST and Fashion-MNIST, gzipped or not.

An IDX file is two zero bytes, a type byte (8: unsigned byte), the number of axes, each axis as a
big-endian 32-bit integer, then the values row by row.
"""

import gzip
import hashlib
import struct
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np

from search_spaces.errors import InputError, plural
from trials.tasks.classification.data.raw import Located, Part, Pixels, Source

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
UNSIGNED_BYTE = 8
HEAD = 4
"""Bytes before the sizes, and bytes of each size."""

IMAGE_AXES, LABEL_AXES = 3, 1
CURE = "Get the four original files again."


def find_idx(folder: Path) -> tuple[Path, ...] | None:
    """The four files below a folder, or None.

    They may be gzipped, and may lie where torchvision puts them (``*/raw``).
    """
    for base in (folder, folder / "raw", *sorted(folder.glob("*/raw"))):
        found = [
            next((p for p in (base / name, base / f"{name}.gz") if p.is_file()), None)
            for name in FILES
        ]
        if all(found):
            return tuple(path for path in found if path)
    return None


def locate_idx(name: str, files: Sequence[Path], classes: tuple[str, ...] | None = None) -> Located:
    """A data set of four IDX files; its identity is their content, wherever they lie.

    Args:
        name: what to call it.
        files: in the order of `FILES`.
        classes: names by label; the digits of the labels if None.
    """
    try:
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}.", CURE) from None
    return Located(name, f"idx {' '.join(digests)}", lambda: _open(files, classes))


def read_idx(path: Path) -> Pixels:
    """Values of one file, in the shape that it states.

    Raises:
        InputError: the file is not IDX of unsigned bytes, or is cut short.
    """
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {error}.", CURE) from None
    if len(raw) < HEAD or raw[:3] != bytes((0, 0, UNSIGNED_BYTE)) or len(raw) < HEAD * (1 + raw[3]):
        raise InputError(f"{path} is not an IDX file of unsigned bytes.", CURE)
    shape = struct.unpack_from(f">{raw[3]}I", raw, HEAD)
    body = raw[HEAD * (1 + len(shape)) :]
    if len(body) != prod(shape):
        raise InputError(
            f"{path} holds {plural(len(body), 'value')} where {prod(shape)} were stated.", CURE
        )
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)


def _open(files: Sequence[Path], classes: tuple[str, ...] | None) -> Source:
    train, test = (_part(*files[start : start + 2]) for start in (0, 2))
    count = 1 + max(int(part.labels.max(initial=0)) for part in (train, test))
    names = classes or tuple(str(label) for label in range(count))
    if count > len(names):
        raise InputError(
            f"{files[1]} has {plural(count, 'class', 'classes')} where {len(names)} are known.",
            CURE,
        )
    return Source(names, 1, train, test)


def _part(images: Path, labels: Path) -> Part:
    pixels, classes = read_idx(images), read_idx(labels)
    axes = (pixels.ndim, classes.ndim)
    if axes != (IMAGE_AXES, LABEL_AXES) or len(pixels) != len(classes):
        raise InputError(f"{images} and {labels} do not hold as many images as labels.", CURE)
    return Part.of_array(pixels[:, None], classes, str(images))
