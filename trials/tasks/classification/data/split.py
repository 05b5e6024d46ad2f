"""Fixed stratified splits: a pure function of labels, share and seed.

Only raw draws of a bit generator are used. Numpy promises their stream, which it does not for the
distributions built on it, so a split outlives upgrades.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import InputError, plural

Index = NDArray[np.int64]

VALIDATION_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Split:
    """Two disjoint, ascending sets of image numbers that together are all of them.

    Attributes:
        training: images to learn from, int64 ``[T]``.
        validation: images to measure on, int64 ``[V]``.
    """

    training: Index
    validation: Index


def split(
    labels: Index, seed: int, validation_share: float = VALIDATION_SHARE, *, keep: int = 1
) -> Split:
    """Set a share of every class apart.

    Args:
        labels: class of each image, ``[N]``.
        seed: equal labels, share and seed give equal splits, on every machine.
        validation_share: share of each class's images, between 0 and 1, rounded to the nearest
            image; a class of more than ``keep`` has at least one set apart.
        keep: images of each class that are not set apart, if it has so many.

    Raises:
        InputError: share or seed is out of range, or no class has two images.
    """
    if not 0 < validation_share < 1 or seed < 0:
        raise InputError(
            f"A validation share of {validation_share} with seed {seed} makes no split.",
            "Give a share between 0 and 1 and a seed of 0 or more.",
        )
    shuffled = np.argsort(np.random.PCG64(seed).random_raw(len(labels)), kind="stable")
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        held_out[members[: _taken(len(members), validation_share, keep)]] = True
    if not held_out.any():
        raise InputError(
            f"No class of {plural(len(labels), 'image')} can spare one for validation.",
            "Give at least two images of every class.",
        )
    return Split(training=np.flatnonzero(~held_out), validation=np.flatnonzero(held_out))


def _taken(count: int, share: float, keep: int) -> int:
    return max(min(max(round(share * count), 1), count - keep), 0)
