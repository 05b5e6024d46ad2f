"""Augmentation of single images by torchvision's transforms, each from a seed of its own.

The seed follows from training, epoch and image, so an image looks the same whichever process
prepares it, in whichever batch, and whether or not the training was interrupted before.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import sched_getaffinity
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from trials.tasks.classification.data.split import Index
from trials.tasks.classification.recipe import Recipe

EDGE_SHARE = 224 / 256
"""Edge of the middle crop by which a whole image is measured, as a share of its shorter edge."""

MOST_WORKERS = 8


class Pictures(Protocol):
    """Images that can be had one by one."""

    def __len__(self) -> int: ...

    @property
    def labels(self) -> Sequence[int] | Index:
        """Classes of all images."""

    def image(self, index: int) -> tuple[NDArray[np.uint8], int]:
        """Image as uint8 ``[C, H, W]``, and its label."""


def for_training(recipe: Recipe, size: int) -> v2.Transform | None:
    """What a recipe does to each training image; None if nothing. Mirroring is done by batch."""
    steps: list[v2.Transform] = []
    if recipe.crop_area is not None:
        steps.append(v2.RandomResizedCrop(size, scale=recipe.crop_area, antialias=True))
    if recipe.rand_augment:
        steps.append(v2.RandAugment(recipe.rand_augment, recipe.rand_magnitude))
    if recipe.erasing:
        steps.append(v2.RandomErasing(recipe.erasing))
    return v2.Compose(steps) if steps else None


def for_measuring(size: int) -> v2.Transform:
    """The middle of a whole image."""
    return v2.Compose([v2.Resize(round(size / EDGE_SHARE), antialias=True), v2.CenterCrop(size)])


@dataclass(frozen=True)
class Transformed:
    """Images that a transform makes ready; images of a `TrainingData`.

    Attributes:
        pictures: as they are.
        transform: from uint8 ``[C, H, W]`` to the size of the network.
        seed: of the training.
        workers: processes that prepare images; 0 for this one.
    """

    pictures: Pictures
    transform: v2.Transform
    seed: int
    workers: int = 0

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def labels(self) -> Sequence[int] | Index:
        """Classes of all images."""
        return self.pictures.labels

    def batches(self, batches: Sequence[Index], epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images ``[B, C, H, W]`` and labels ``[B]`` of each batch of indices, in turn."""
        yield from DataLoader(
            _Seeded(self, epoch),
            batch_sampler=[batch.tolist() for batch in batches],
            num_workers=self.workers,
            generator=Generator(),  # the loader's own draws, of which nothing here makes use
        )


@dataclass(frozen=True)
class _Seeded(Dataset[tuple[Tensor, int]]):
    images: Transformed
    epoch: int

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        pixels, label = self.images.pictures.image(index)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_seed(self.images.seed, self.epoch, index))
            transformed: Any = self.images.transform(torch.from_numpy(pixels))
        return transformed, label


def workers() -> int:
    """Processes that prepare images which have to be decoded first."""
    return min(MOST_WORKERS, max(len(sched_getaffinity(0)) - 1, 1))


def _seed(*parts: int) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1
