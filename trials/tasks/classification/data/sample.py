"""Which images a training learns from and is measured on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import InputError
from trials.tasks.classification.data.cache import Arrays, load
from trials.tasks.classification.data.manifest import Prepared
from trials.tasks.classification.data.split import VALIDATION_SHARE, Index, Split, split

LEAST_TRAINING = 2
"""A batch norm has no variance to divide by in a batch of one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some images of an array.

    Attributes:
        arrays: all images, uint8 ``[N, C, H, W]``, and their labels.
        index: numbers of those that belong to the sample, int64 ``[S]``.
    """

    arrays: Arrays
    index: Index

    def __len__(self) -> int:
        return len(self.index)

    @property
    def labels(self) -> Index:
        """Classes of the images, ``[S]``."""
        return np.asarray(self.arrays.labels[self.index])

    def batch(self, indices: Index) -> tuple[NDArray[np.uint8], Index]:
        """Copies of images ``[B, C, H, W]`` and labels ``[B]`` at these indices of the sample."""
        numbers = self.index[indices]
        return np.asarray(self.arrays.images[numbers]), np.asarray(self.arrays.labels[numbers])

    def batches(
        self, batches: Sequence[Index], epoch: int
    ) -> Iterator[tuple[NDArray[np.uint8], Index]]:
        """`batch` of each of these indices in turn, the same in every epoch."""
        del epoch
        yield from map(self.batch, batches)

    def image(self, index: int) -> tuple[NDArray[np.uint8], int]:
        """A copy of one image, ``[C, H, W]``, and its label."""
        images, labels = self.batch(np.array([index]))
        return images[0], int(labels[0])


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What `train` is given.

    Attributes:
        training: images to learn from, two or more.
        evaluation: images to measure on, disjoint from ``training``.
        mean: of the training images by channel, on a scale from 0 (black) to 1.
        std: standard deviation by channel on that scale; 1 for a constant channel.
        classes: their names, by label; empty where nobody asks.
    """

    training: Sample
    evaluation: Sample
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.training) < LEAST_TRAINING or len(self.evaluation) < 1:
            raise InputError(
                f"{len(self.training)} training and {len(self.evaluation)} evaluation images are "
                "too few.",
                "Give at least two images of every class, three where none are set apart for the "
                "end.",
            )


def for_proxy(
    prepared: Prepared,
    seed: int,
    validation_share: float = VALIDATION_SHARE,
    training_share: float = 1.0,
) -> TrainingData:
    """Images to learn from and to compare trials on; the test set is not opened.

    Where a person has set validation images apart they are taken as they are, else a share is split
    off the training images.

    Args:
        prepared: the data set.
        seed: of the split.
        validation_share: share of each class's images that is set apart, where none are.
        training_share: share of those left in each class that is learnt from, above 0 to 1. A
            smaller share is not a part of a larger one.
    """
    arrays = load(prepared, "train")
    if prepared.validation_count is None:
        parts = split(arrays.labels, seed, validation_share)
    else:
        numbers = np.arange(prepared.train_count)
        cut = prepared.train_count - prepared.validation_count
        parts = Split(training=numbers[:cut], validation=numbers[cut:])
    learnt = parts.training
    if training_share < 1:
        learnt = learnt[split(arrays.labels[learnt], seed, training_share).validation]
    training = Sample(arrays, learnt)
    return TrainingData(
        training, Sample(arrays, parts.validation), *moments(training), prepared.classes
    )


def for_test(prepared: Prepared) -> TrainingData:
    """All training images, validation included, measured on the test set: for full training."""
    training, test = (
        Sample(arrays, np.arange(len(arrays.labels)))
        for arrays in (load(prepared, "train"), load(prepared, "test"))
    )
    return TrainingData(training, test, *moments(training), prepared.classes)


def moments(sample: Sample) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation by channel, on a scale from 0 to 1.

    They come from counts of the 256 values: exact integers until the last division.
    """
    counts = np.zeros((sample.arrays.images.shape[1], 256), dtype=np.int64)
    for indices in np.array_split(np.arange(len(sample)), max(len(sample) // 1024, 1)):
        images, _ = sample.batch(indices)
        for channel in range(len(counts)):
            counts[channel] += np.bincount(images[:, channel].ravel(), minlength=256)
    values = np.arange(256) / 255
    total = counts.sum(axis=1)
    mean = counts @ values / total
    spread = np.sqrt((counts * (values - mean[:, None]) ** 2).sum(axis=1) / total)
    spread[(counts > 0).sum(axis=1) == 1] = 1.0
    return tuple(mean.tolist()), tuple(spread.tolist())
