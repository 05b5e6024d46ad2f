"""Class folders as a data set: grey if every image is, else colour; see `layout` for the rest."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import sched_getaffinity
from pathlib import Path

import numpy as np

from search_spaces.errors import InputError
from trials.tasks.classification.data.layout import FolderListing, Listing, list_folder
from trials.tasks.classification.data.picture import Traits, read_image, traits
from trials.tasks.classification.data.raw import Located, Part, Source
from trials.tasks.classification.data.reading import Reading

RULES = "upright, nested, 16 bits"
"""How images are read; another text wherever the same files come out as other pixels."""


def locate_folder(folder: Path, *, skip_damaged: bool = False) -> Located:
    """Find the images of a folder; raises like `list_folder`."""
    found = list_folder(folder)
    return Located(
        folder.resolve().name or "folder",
        found.identity,
        lambda: _open(readable(found) if skip_damaged else found),
        f"{RULES}{', without damaged ones' if skip_damaged else ''}",
    )


def readable(found: FolderListing) -> FolderListing:
    """A listing without the files that cannot be decoded, each of which is decoded to see.

    Raises:
        InputError: a class has no other image to learn from.
    """
    return found.without(_damaged(found.files))


def _damaged(files: Sequence[Path]) -> set[Path]:
    with ThreadPoolExecutor(len(sched_getaffinity(0))) as pool:
        return {
            path for path, whole in zip(files, pool.map(_decodes, files), strict=True) if not whole
        }


def _decodes(path: Path) -> bool:
    try:
        read_image(path, 3)
    except InputError:
        return False
    return True


def _open(found: FolderListing) -> Source:
    seen = [known for known in map(traits, found.files) if known is not None]
    grey = sum(known.grey for known in seen)
    channels = 1 if grey == len(seen) else 3
    train, test = (_part(part, channels) for part in found.parts())
    own = found.validation
    reading = Reading(folders=found.folders, left_out=found.left_out)
    return Source(
        found.classes,
        channels,
        train,
        test,
        validation=None if own is None else len(own.files),
        grey=grey,
        oblong=sum(not known.square for known in seen),
        reading=reading.with_changes(_changes(seen)),
    )


def _changes(seen: Iterable[Traits]) -> dict[str, int]:
    every = tuple(seen)
    return {
        "turned as their EXIF data say": sum(known.turned for known in every),
        "brought from 16 bits to 8": sum(known.deep for known in every),
        "without their transparency": sum(known.alpha for known in every),
        "of which the first picture is used": sum(known.several for known in every),
    }


def _part(listing: Listing, channels: int) -> Part:
    return Part(
        np.asarray(listing.labels, dtype=np.int64),
        lambda number: read_image(listing.files[number], channels),
        lambda number: str(listing.files[number]),
    )
