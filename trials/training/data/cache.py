"""The cache: a data set decoded and resized once, then memory-mapped by every trial.

A prepared data set is a folder with four ``.npy`` files (uint8 images ``[N, C, H, W]`` and int64
labels ``[N]``, for training and test) and a manifest with their SHA-256. The folder is whole or not
there; when two processes prepare the same data at once, the first to finish wins and the other
takes its folder. The folder's name covers the source's identity (which settles its channels) and
the image size.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import InputError
from trials.errors import DamagedDataError, StorageError
from trials.files import new_folder
from trials.training.data.array_file import map_array, write_array
from trials.training.data.fit import fitted, native_size
from trials.training.data.manifest import (
    FORMAT,
    MANIFEST,
    ArrayEntry,
    Manifest,
    PartEntry,
    PartName,
    Prepared,
    cure,
    read_manifest,
)
from trials.training.data.raw import Located, Part
from trials.training.data.sources import locate


@dataclass(frozen=True, slots=True)
class Arrays:
    """Images and labels, read-only.

    Attributes:
        images: uint8 ``[N, C, H, W]``, mapped from disk.
        labels: int64 ``[N]``.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def prepare(
    source: str, *, image_size: int | None, folder: Path | None, cache: Path, download: bool = False
) -> Prepared:
    """Decode and resize a data set, or check the one that is in the cache already.

    Args:
        source: see `trials.training.data.sources.locate`.
        image_size: edge in pixels; None keeps the images' own size, which must then be one.
        folder: where a named data set's original files lie; ``cache/sources`` if None.
        cache: folder of prepared data sets; made if missing.
        download: whether missing original files may be fetched into ``folder``.

    Raises:
        InputError: the source is not there, or has images that cannot be used (all are named).
        DamagedDataError: the cached arrays are not what was written.
        StorageError: the cache cannot be written.
    """
    if image_size is not None and image_size < 1:
        raise InputError(f"An image size of {image_size} pixels is not positive.", "Give 8 to 224.")
    located = locate(source, folder or cache / "sources", download=download)
    text = f"{FORMAT}\0{located.identity}\0{image_size}"
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    final = cache.resolve() / f"{located.name}-{image_size or 'own'}-{key}"
    if not final.exists():
        _write(located, final, source, image_size)
    prepared = read_manifest(final)[1]
    load(prepared, "train")
    load(prepared, "test")
    return prepared


def load(prepared: Prepared, part: PartName = "train") -> Arrays:
    """Map the images for training and validation, or those of the test set.

    Raises:
        DamagedDataError: the arrays are not those that were prepared.
    """
    manifest, found = read_manifest(prepared.path)
    if found.sha256 != prepared.sha256:
        raise DamagedDataError(
            f"{prepared.path} is not the data set that was prepared.", cure(prepared.path)
        )
    entry: PartEntry = getattr(manifest, part)
    images = map_array(
        prepared.path / f"{part}_images.npy",
        entry.images.sha256,
        entry.images.shape,
        cure(prepared.path),
    )
    labels = map_array(
        prepared.path / f"{part}_labels.npy",
        entry.labels.sha256,
        entry.labels.shape,
        cure(prepared.path),
    )
    return Arrays(images, labels)


def _write(located: Located, final: Path, source: str, image_size: int | None) -> None:
    opened = located.open()
    size = image_size or native_size(opened.train)
    images = len(opened.train.labels) + len(opened.test.labels)
    try:
        with new_folder(final) as half:
            entries = {
                name: _write_part(
                    half, name, part, (opened.channels, size), scale=image_size is not None
                )
                for name, part in (("train", opened.train), ("test", opened.test))
            }
            manifest = Manifest(
                source=source,
                identity=located.identity,
                classes=opened.classes,
                channels=opened.channels,
                size=size,
                **entries,
            )
            (half / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    except OSError as error:
        if (final / MANIFEST).exists():  # another process was faster
            return
        need = images * opened.channels * size * size / 1e6
        raise StorageError(
            f"{final} cannot be written ({error.strerror}); it needs {need:.1f} MB.",
            "Make space, or name another cache folder.",
        ) from None


def _write_part(
    folder: Path, name: str, part: Part, shape: tuple[int, int], *, scale: bool
) -> PartEntry:
    channels, size = shape
    whole = (len(part.labels), channels, size, size)
    rows = fitted(part, size, scale=scale)
    images = write_array(folder / f"{name}_images.npy", whole, np.uint8, rows)
    labels = write_array(folder / f"{name}_labels.npy", whole[:1], np.int64, part.labels)
    return PartEntry(
        images=ArrayEntry(sha256=images, shape=whole),
        labels=ArrayEntry(sha256=labels, shape=whole[:1]),
    )
