"""Data sets by the name or path that a study file gives."""

from pathlib import Path

from search_spaces.errors import InputError, nearest
from trials.training.data.class_folders import list_folder, locate_folder
from trials.training.data.idx import find_idx, locate_idx
from trials.training.data.packaged import digits, fashion_mnist, torchvision_set
from trials.training.data.raw import Located

NAMES = ("digits", "fashion-mnist", "cifar10", "cifar100", "svhn")


def locate(source: str, folder: Path, *, download: bool) -> Located:
    """Find a data set without reading its images.

    Args:
        source: one of `NAMES`, or a path to a folder of class folders or of four IDX files. A name
            wins over a folder called the same; write ``./digits`` for the folder.
        folder: where a named data set's original files lie, or shall lie.
        download: whether missing original files may be fetched.

    Raises:
        InputError: there is no such name or folder, or it does not hold a data set.
    """
    if source == "digits":
        return digits()
    if source == "fashion-mnist":
        return fashion_mnist(folder, download=download)
    if source in NAMES:
        return torchvision_set(source, folder, download=download)
    path = Path(source).expanduser()
    if not source or "\0" in source or not path.is_dir():
        raise InputError(
            f"{source!r} is neither a folder nor one of {', '.join(NAMES)}."
            f"{nearest(source, NAMES)}",
            "Name a data set, or a folder of class folders.",
        )
    files = find_idx(path)
    return locate_idx(path.resolve().name, files) if files else locate_folder(path)


def has_test_set(source: str) -> bool:
    """Whether a data set that `locate` finds has a test set of its own."""
    if source in NAMES:
        return source != "digits"
    path = Path(source).expanduser()
    return bool(find_idx(path)) or list_folder(path).test is not None
