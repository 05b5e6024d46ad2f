"""Data sets that scikit-learn ships or torchvision reads.

CIFAR's batches are pickles. torchvision compares every batch with the MD5 that the authors
published before it unpickles one, so only those very files are ever unpickled; anything else is
refused unread. The other formats hold no pickles.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from search_spaces.errors import InputError
from trials.tasks.classification.data.idx import find_idx, locate_idx
from trials.tasks.classification.data.raw import Located, Part, Source

FASHION = (
    "t-shirt", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")
DIGIT_WHITE = 16
"""Brightest value of scikit-learn's digits."""


def digits() -> Located:
    """1797 grey 8x8 images of handwritten digits, inside scikit-learn; a sixth is the test set."""
    return Located("digits", "scikit-learn digits, test share 1/6", _open_digits)


def fashion_mnist(folder: Path, *, download: bool) -> Located:
    """Fashion-MNIST's original IDX files; Debian's package of them is found without a folder."""
    files = find_idx(folder) or find_idx(DEBIAN_FASHION)
    if not files and download:
        from torchvision.datasets import FashionMNIST  # noqa: PLC0415  loads torch: only on demand

        with _explained("fashion-mnist", folder):
            FashionMNIST(str(folder), download=True)
        files = find_idx(folder)
    if not files:
        raise _missing("fashion-mnist", folder)
    return locate_idx("fashion-mnist", files, FASHION)


def torchvision_set(name: str, folder: Path, *, download: bool) -> Located:
    """``cifar10``, ``cifar100`` or ``svhn``, 32x32 colour; their files are fixed by checksums."""
    return Located(
        name, f"torchvision {name}", lambda: _open_torchvision(name, folder, download=download)
    )


def _open_digits() -> Source:
    from sklearn.datasets import load_digits  # noqa: PLC0415  takes a second: only on demand

    table = load_digits()
    pixels = np.rint(table.images * (255 / DIGIT_WHITE)).astype(np.uint8)
    train, test = Part.of_array(pixels[:, None], table.target, "digits").without_test()
    return Source(tuple(str(digit) for digit in range(10)), 1, train, test)


def _open_torchvision(name: str, folder: Path, *, download: bool) -> Source:
    from torchvision import datasets  # noqa: PLC0415  loads torch: only on demand

    root = str(folder)
    with _explained(name, folder):
        if name == "svhn":
            train, test = (
                datasets.SVHN(root, part, download=download) for part in ("train", "test")
            )
            classes = tuple(str(digit) for digit in range(10))
            pairs = [(part.data, part.labels) for part in (train, test)]
        else:
            kind = datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100
            train, test = (kind(root, train=part, download=download) for part in (True, False))
            classes = tuple(train.classes)
            pairs = [(part.data.transpose(0, 3, 1, 2), part.targets) for part in (train, test)]
    first, second = (Part.of_array(images, np.asarray(labels), name) for images, labels in pairs)
    return Source(classes, 3, first, second)


@contextmanager
def _explained(name: str, folder: Path) -> Iterator[None]:
    """Turn torchvision's ways of saying "not there" or "not those bytes" into ours."""
    try:
        yield
    except (RuntimeError, OSError, ValueError) as error:
        raise _missing(name, folder, f" ({error})") from None


def _missing(name: str, folder: Path, why: str = "") -> InputError:
    return InputError(
        f"{folder} does not hold the original files of {name}{why}.",
        "Name the folder that holds them, or allow the download.",
    )
