"""Folders of images as people have them: which file is an image, of which class and for what.

Classes are folders, in alphabetical order; everything below one belongs to it. They lie in the
folder itself or in its ``train``, beside which ``val`` and ``test`` hold a split of one's own:

- with both, ``val`` is what trials are compared on, and ``test`` is kept for the end;
- with one of them, that one is kept for the end, and trials are compared on a share of ``train``;
- with none, a fixed sixth of every class is kept for the end.

So what is measured at the end has never been looked at by a search. A file counts as an image by
its ending. Whatever else is there is listed as left out.
"""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from search_spaces.errors import InputError
from trials.tasks.classification.data.raw import held_out
from trials.tasks.classification.data.reading import DAMAGED
from trials.tasks.classification.data.split import Index

ENDINGS = frozenset(
    f".{ending}"
    for ending in (
        "avif bmp gif jfif jp2 jpe jpeg jpg pbm pgm png pnm ppm tif tiff webp".split()  # noqa: SIM905 - reads better
    )
)
TRAIN = ("train", "training")
VALIDATION = ("val", "valid", "validation")
TEST = ("test", "testing")
"""Names of the folders of a split, in any case."""

SYSTEM = frozenset(("__MACOSX", "@eaDir"))
"""Folders that macOS and network storage leave among images."""

HIDDEN = "hidden (._*, __MACOSX and the like)"
OUTSIDE = "outside of class folders"

LEAST_CLASSES = 2


@dataclass(frozen=True, slots=True)
class Listing:
    """Image files of one purpose with their labels."""

    files: tuple[Path, ...] = ()
    labels: tuple[int, ...] = ()

    def only(self, index: Index) -> "Listing":
        """The files with these numbers."""
        return Listing(
            tuple(self.files[number] for number in index),
            tuple(self.labels[number] for number in index),
        )

    def without(self, files: Collection[Path]) -> "Listing":
        """All but these files."""
        return self.only(np.flatnonzero([file not in files for file in self.files]))

    def __add__(self, other: "Listing") -> "Listing":
        return Listing(self.files + other.files, self.labels + other.labels)


@dataclass(frozen=True, slots=True)
class FolderListing:
    """The image files of a folder, none of them opened.

    Attributes:
        root: the folder.
        classes: names by label.
        train: files to learn from; those of the other purposes too where it has none for them.
        validation: files to compare trials on, where the folder sets them apart.
        test: files for the end, where the folder sets them apart.
        folders: names of the folders of a split, by purpose; empty where there is none.
        left_out: paths below the folder that are not read, by reason.
        identity: text that differs where paths, sizes or times of change do.
    """

    root: Path
    classes: tuple[str, ...]
    train: Listing
    validation: Listing | None
    test: Listing | None
    folders: Mapping[str, str]
    left_out: Mapping[str, tuple[str, ...]]
    identity: str

    @property
    def files(self) -> tuple[Path, ...]:
        """All images."""
        apart = (part for part in (self.validation, self.test) if part)
        return sum(apart, self.train).files

    def parts(self) -> tuple[Listing, Listing]:
        """Files to learn from, those of ``validation`` last, and files for the end."""
        train = self.train + (self.validation or Listing())
        if self.test is not None:
            return train, self.test
        apart = held_out(np.asarray(train.labels, dtype=np.int64))
        return train.only(apart.training), train.only(apart.validation)

    def without(self, damaged: Collection[Path]) -> "FolderListing":
        """The listing without files that cannot be read.

        Raises:
            InputError: a class has no other image to learn from.
        """
        if not damaged:
            return self
        train = self.train.without(damaged)
        _require_all(train, self.classes, self.root, "that can be read")
        names = sorted(str(path.relative_to(self.root)) for path in damaged)
        left = "\0".join(names).encode()
        return replace(
            self,
            train=train,
            validation=self.validation and self.validation.without(damaged),
            test=self.test and self.test.without(damaged),
            left_out={**self.left_out, DAMAGED: tuple(names)},
            identity=f"{self.identity} without {hashlib.sha256(left).hexdigest()}",
        )


def list_folder(folder: Path) -> FolderListing:
    """List the images of a folder.

    Raises:
        InputError: no class folders, an empty one, or a class that training lacks.
    """
    folders = _split_of(folder)
    roots = {purpose: folder / name for purpose, name in folders.items()} or {"train": folder}
    classes = _classes(roots["train"])
    for root in roots.values():
        _require_known(root, classes)
    purposes = {name: purpose for purpose, name in folders.items()}
    left_out: dict[str, list[str]] = {}
    found: dict[str, list[tuple[int, Path]]] = {purpose: [] for purpose in roots}
    for path, hidden in _walk(folder, frozenset()):
        within = path.relative_to(folder).parts
        reason = HIDDEN if hidden else _why_not(path, within, folders)
        if reason:
            left_out.setdefault(reason, []).append("/".join(within))
        elif folders:
            found[purposes[within[0]]].append((classes.index(within[1]), path))
        else:
            found["train"].append((classes.index(within[0]), path))
    lists = {purpose: _listing(pairs) for purpose, pairs in found.items()}
    _require_all(lists["train"], classes, roots["train"])
    if "test" not in lists and "validation" in lists:
        lists["test"], folders["test"] = lists.pop("validation"), folders.pop("validation")
    return FolderListing(
        root=folder,
        classes=classes,
        train=lists["train"],
        validation=lists.get("validation"),
        test=lists.get("test"),
        folders=folders,
        left_out={reason: tuple(paths) for reason, paths in sorted(left_out.items())},
        identity=_identity(folder, (lists.get(p) for p in ("train", "validation", "test"))),
    )


def _split_of(folder: Path) -> dict[str, str]:
    """Names of the folders of a split by purpose; empty where ``train`` is missing or a class."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    fitting = {
        purpose: [name for name in names if name.lower() in known]
        for purpose, known in (("train", TRAIN), ("validation", VALIDATION), ("test", TEST))
    }
    if not any(p.is_dir() for name in fitting["train"] for p in (folder / name).iterdir()):
        return {}
    for purpose, found in fitting.items():
        if len(found) > 1:
            raise InputError(
                f"{folder} has {' and '.join(found)}, which stand for the same.",
                f"Keep one folder for {purpose}.",
            )
    return {purpose: found[0] for purpose, found in fitting.items() if found}


def _walk(folder: Path, above: frozenset[Path]) -> Iterator[tuple[Path, bool]]:
    """Files below a folder, and whether they are hidden; hidden folders are not gone into.

    Links are followed, but none back to a folder that it lies in.
    """
    real = folder.resolve()
    if real in above:
        return
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.name.startswith(".") or entry.name in SYSTEM:
            yield path, True
        elif entry.is_dir():
            yield from _walk(path, above | {real})
        else:
            yield path, False


def _why_not(path: Path, within: tuple[str, ...], folders: Mapping[str, str]) -> str | None:
    """Why a file is not read; None where it is an image of a class."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        return f"{ending} files" if ending else "without an ending"
    if folders and within[0] not in folders.values() and len(within) > 1:
        return f"in {within[0]}/, beside {folders['train']}/"
    return OUTSIDE if len(within) <= (2 if folders else 1) else None


def _classes(root: Path, least: int = LEAST_CLASSES) -> tuple[str, ...]:
    names = sorted(
        path.name
        for path in root.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name not in SYSTEM
    )
    if len(names) < least:
        raise InputError(
            f"{root} holds {len(names)} class folders; a data set needs two or more.",
            "Put the images of each class into a folder with its name.",
        )
    return tuple(names)


def _require_known(root: Path, classes: tuple[str, ...]) -> None:
    unknown = sorted(set(_classes(root, least=0)) - set(classes))
    if unknown:
        raise InputError(
            f"{root} has classes without training images: {', '.join(unknown[:20])}.",
            "Use the same class folders for training and test.",
        )


def _listing(pairs: list[tuple[int, Path]]) -> Listing:
    ordered = sorted(pairs)
    return Listing(tuple(path for _, path in ordered), tuple(label for label, _ in ordered))


def _require_all(train: Listing, classes: tuple[str, ...], root: Path, which: str = "") -> None:
    for label in sorted(set(range(len(classes))) - set(train.labels)):
        raise InputError(
            f"{root / classes[label]} holds no image{f' {which}' if which else ''}.",
            f"Known endings are {', '.join(sorted(ENDINGS))}.",
        )


def _identity(folder: Path, parts: Iterable[Listing | None]) -> str:
    text = hashlib.sha256()
    for part in parts:
        for path in part.files if part else ():
            stat = path.stat()
            name = path.relative_to(folder)
            text.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return f"folder {folder.resolve()} {text.hexdigest()}"
