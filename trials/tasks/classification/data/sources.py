"""Data sets by the name or path that a study file gives."""

from pathlib import Path

from search_spaces.errors import InputError, nearest
from trials.tasks.classification.catalogue import NAMED, NAMES
from trials.tasks.classification.data.class_folders import locate_folder
from trials.tasks.classification.data.idx import find_idx, locate_idx
from trials.tasks.classification.data.layout import list_folder
from trials.tasks.classification.data.packaged import digits, fashion_mnist, torchvision_set
from trials.tasks.classification.data.raw import Located


def locate(source: str, folder: Path, *, download: bool, skip_damaged: bool = False) -> Located:
    """Find a data set without reading its images.

    Args:
        source: a name of the catalogue, or a path to a folder of class folders or of four IDX
            files. A name wins over a folder called the same; write ``./digits`` for the folder.
        folder: where a named data set's original files lie, or shall lie.
        download: whether missing original files may be fetched.
        skip_damaged: whether image files of a folder that cannot be decoded are left out.

    Raises:
        InputError: there is no such name or folder, or it does not hold a data set.
    """
    if source in NAMED:
        match NAMED[source].reader:
            case "scikit-learn":
                return digits()
            case "idx":
                return fashion_mnist(folder, download=download)
            case "torchvision":
                return torchvision_set(source, folder, download=download)
    path = Path(source).expanduser()
    if not source or "\0" in source or not path.is_dir():
        raise InputError(
            f"{source!r} is neither a folder nor one of {', '.join(NAMES)}."
            f"{nearest(source, NAMES)}",
            "Name a data set, or a folder of class folders.",
        )
    files = find_idx(path)
    return (
        locate_idx(path.resolve().name, files)
        if files
        else locate_folder(path, skip_damaged=skip_damaged)
    )


def has_test_set(source: str) -> bool:
    """Whether a data set that `locate` finds has a test set of its own."""
    if source in NAMED:
        return NAMED[source].has_test
    path = Path(source).expanduser()
    return bool(find_idx(path)) or list_folder(path).test is not None
