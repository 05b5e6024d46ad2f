"""A folder of class folders: ``<class>/*.png``, or ``train/<class>/*`` beside ``val/<class>/*``.

Classes are the names of the folders, in alphabetical order. Files count as images by their ending;
others are left alone. Where there is no ``val`` or ``test`` folder a fixed sixth of every class is
the test set. If every image is grey the data set has one channel, else three.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from search_spaces.errors import InputError
from trials.training.data.raw import TEST_SHARE, Located, Part, Pixels, Source
from trials.training.data.split import Index, split

ENDINGS = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".tif", ".tiff")
)
GREY_MODES = frozenset(("1", "L", "LA"))
WIDE_MODES = frozenset(("I", "F", "I;16", "I;16B", "I;16L", "I;16N"))
"""More than 8 bits a channel: a change to 8 bits would clip them."""

LEAST_CLASSES = 2

DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
"""What Pillow raises on files that are no images, cut short or damaged."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Image files of one purpose with their labels."""

    files: tuple[Path, ...]
    labels: tuple[int, ...]

    def only(self, index: Index) -> "Listing":
        """The files with these numbers."""
        return Listing(
            tuple(self.files[number] for number in index),
            tuple(self.labels[number] for number in index),
        )


@dataclass(frozen=True, slots=True)
class FolderListing:
    """The image files of a folder, none of them opened.

    Attributes:
        classes: names by label.
        train: files to learn from; those of the test set too where it has none of its own.
        test: files of its own test set, or None.
        identity: text that differs where paths, sizes or times of change do.
    """

    classes: tuple[str, ...]
    train: Listing
    test: Listing | None
    identity: str

    def parts(self) -> tuple[Listing, Listing]:
        """Files to learn from and files of the test set, which may be a fixed sixth of all."""
        if self.test is not None:
            return self.train, self.test
        labels = np.asarray(self.train.labels, dtype=np.int64)
        held_out = split(labels, seed=0, validation_share=TEST_SHARE)
        return self.train.only(held_out.training), self.train.only(held_out.validation)


def locate_folder(folder: Path) -> Located:
    """Find the images of a folder; raises like `list_folder`."""
    found = list_folder(folder)
    return Located(folder.resolve().name or "folder", found.identity, lambda: _open(found))


def list_folder(folder: Path) -> FolderListing:
    """List the images of a folder.

    Raises:
        InputError: no class folders, an empty one, or a test class that training lacks.
    """
    train_root = folder / "train" if (folder / "train").is_dir() else folder
    test_root = next((p for p in (folder / "val", folder / "test") if p.is_dir()), None)
    apart = test_root if train_root != folder else None
    classes = _classes(train_root)
    train = _list(train_root, classes)
    test = _list(apart, classes) if apart else None
    text = hashlib.sha256()
    for path in (*train.files, *(test.files if test else ())):
        stat = path.stat()
        text.update(f"{path.relative_to(folder)}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    identity = f"folder {folder.resolve()} {text.hexdigest()}"
    return FolderListing(classes, train, test, identity)


def read_image(path: Path, channels: int) -> Pixels:
    """Decode a file to ``[C, H, W]``.

    Raises:
        InputError: the file cannot be decoded, or has more than 8 bits a channel.
    """
    try:
        with Image.open(path) as image:
            if image.mode in WIDE_MODES:
                raise InputError(f"{path} has more than 8 bits a channel.")
            pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    except DECODE_ERRORS as error:
        raise InputError(f"{path} cannot be decoded: {error}.") from None
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _classes(root: Path) -> tuple[str, ...]:
    names = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(names) < LEAST_CLASSES:
        raise InputError(
            f"{root} holds {len(names)} class folders; a data set needs two or more.",
            "Put the images of each class into a folder with its name.",
        )
    return tuple(names)


def _list(root: Path, classes: tuple[str, ...]) -> Listing:
    unknown = sorted(set(_classes(root)) - set(classes))
    if unknown:
        raise InputError(
            f"{root} has classes without training images: {', '.join(unknown[:20])}.",
            "Use the same class folders for training and test.",
        )
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        place = root / name
        listed = sorted(place.iterdir()) if place.is_dir() else []
        found = [path for path in listed if path.suffix.lower() in ENDINGS]
        if not found:
            raise InputError(
                f"{place} holds no image.", f"Known endings are {', '.join(sorted(ENDINGS))}."
            )
        files += found
        labels += [label] * len(found)
    return Listing(tuple(files), tuple(labels))


def _open(found: FolderListing) -> Source:
    parts = found.parts()
    grey = all(_is_grey(path) for part in parts for path in part.files)
    channels = 1 if grey else 3
    return Source(found.classes, channels, *(_part(part, channels) for part in parts))


def _is_grey(path: Path) -> bool:
    """Read the header only; damaged files get their message when they are decoded."""
    try:
        with Image.open(path) as image:
            return image.mode in GREY_MODES
    except DECODE_ERRORS:
        return True


def _part(listing: Listing, channels: int) -> Part:
    return Part(
        np.asarray(listing.labels, dtype=np.int64),
        lambda number: read_image(listing.files[number], channels),
        lambda number: str(listing.files[number]),
    )
