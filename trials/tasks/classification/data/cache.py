"""The cache: a data set decoded and resized once, then memory-mapped by every trial.

A prepared data set is a folder with four ``.npy`` files (uint8 images ``[N, C, H, W]`` and int64
labels ``[N]``, for training and test) and a manifest with their SHA-256. The folder is whole or not
there; when two processes prepare the same data at once, the first to finish wins and the other
takes its folder. The folder's name covers the source's identity, the rules by which it is read, the
image size, and the channels if they are asked for. A source that was not read just as it is has
``reading.json`` beside that, which says what was left out and changed.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import InputError
from trials.errors import DamagedDataError, StorageError
from trials.files import file_sha256, new_folder
from trials.tasks.classification.data.array_file import map_array, write_array
from trials.tasks.classification.data.fit import UnusableImagesError, fitted, native_size
from trials.tasks.classification.data.manifest import (
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
from trials.tasks.classification.data.raw import Located, Part, Source
from trials.tasks.classification.data.reading import OBLONG, READING, Reading, read_reading, summary
from trials.tasks.classification.data.sources import locate
from trials.tasks.classification.data.split import Index


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
    source: str,
    *,
    image_size: int | None,
    folder: Path | None,
    cache: Path,
    download: bool = False,
    channels: int | None = None,
    skip_damaged: bool = False,
) -> Prepared:
    """Decode and resize a data set, or check the one that is in the cache already.

    Args:
        source: see `trials.tasks.classification.data.sources.locate`.
        image_size: edge in pixels; None keeps the images' own size, which must then be one.
        folder: where a named data set's original files lie; ``cache/sources`` if None.
        cache: folder of prepared data sets; made if missing.
        download: whether missing original files may be fetched into ``folder``.
        channels: 1 for grey or 3 for colour, to which other images are converted; None for those
            of the data set.
        skip_damaged: whether image files that cannot be decoded are left out, else they are errors.

    Raises:
        InputError: the source is not there, or has images that cannot be used (all are named).
        DamagedDataError: the cached arrays are not what was written.
        StorageError: the cache cannot be written.
    """
    if image_size is not None and image_size < 1:
        raise InputError(f"An image size of {image_size} pixels is not positive.", "Give 8 to 224.")
    located = locate(
        source, folder or cache / "sources", download=download, skip_damaged=skip_damaged
    )
    key = _key(located.identity, image_size, located.rules, channels)
    final = cache.resolve() / f"{located.name}-{image_size or 'own'}-{key}"
    if not final.exists():
        _write(located, final, source, image_size, channels)
    prepared = read_manifest(final)[1]
    labels = {"train": load(prepared, "train").labels, "test": load(prepared, "test").labels}
    return replace(prepared, summary=_summary(located.name, prepared, labels))


def find(cache: Path, sha256: str) -> Prepared | None:
    """The prepared data set whose manifest has that SHA-256, if the cache holds it."""
    for path in cache.glob(f"*/{MANIFEST}"):
        if file_sha256(path) == sha256:
            return read_manifest(path.parent.resolve())[1]
    return None


def is_of_before(prepared: Prepared) -> bool:
    """Whether a data set was prepared when there was one way to read each source."""
    identity = read_manifest(prepared.path)[0].identity
    keys = (_key(identity, size, "", None) for size in (None, prepared.size))
    return any(prepared.path.name.endswith(f"-{key}") for key in keys)


def _key(identity: str, image_size: int | None, rules: str, channels: int | None) -> str:
    asked = (rules, f"channels {channels}" if channels else "")
    text = "\0".join((str(FORMAT), identity, str(image_size), *filter(None, asked)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _summary(name: str, prepared: Prepared, labels: dict[str, Index]) -> str:
    if prepared.validation_count is not None:
        cut = prepared.train_count - prepared.validation_count
        labels = {
            "train": labels["train"][:cut],
            "validation": labels["train"][cut:],
            "test": labels["test"],
        }
    reading = read_reading(prepared.path, cure(prepared.path))
    return summary(name, prepared.classes, labels, reading)


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


def _write(
    located: Located, final: Path, source: str, image_size: int | None, channels: int | None
) -> None:
    native = located.open()
    opened = native.in_channels(channels or native.channels)
    size = image_size or native_size(opened.train)
    reading = opened.reading.with_changes({OBLONG: opened.oblong})
    images = len(opened.train.labels) + len(opened.test.labels)
    try:
        with new_folder(final) as half:
            entries = _write_parts(half, opened, size, scale=image_size is not None)
            manifest = Manifest(
                source=source,
                identity=located.identity,
                classes=opened.classes,
                channels=opened.channels,
                size=size,
                validation=opened.validation,
                **entries,
            )
            (half / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
            if reading != Reading():
                (half / READING).write_text(reading.model_dump_json(indent=1), encoding="utf-8")
    except OSError as error:
        if (final / MANIFEST).exists():  # another process was faster
            return
        need = images * opened.channels * size * size / 1e6
        raise StorageError(
            f"{final} cannot be written ({error.strerror}); it needs {need:.1f} MB.",
            "Make space, or name another cache folder.",
        ) from None


def _write_parts(
    folder: Path, opened: Source, size: int, *, scale: bool
) -> dict[PartName, PartEntry]:
    """Write both parts, or raise with the faults of both."""
    entries: dict[PartName, PartEntry] = {}
    faults: list[str] = []
    parts: tuple[tuple[PartName, Part], ...] = (("train", opened.train), ("test", opened.test))
    for name, part in parts:
        try:
            entries[name] = _write_part(folder, name, part, (opened.channels, size), scale=scale)
        except UnusableImagesError as error:
            faults += error.faults
    if faults:
        raise UnusableImagesError(faults, scale=scale)
    return entries


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
