"""What a training asks of its data, wherever the images come from."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from trials.tasks.classification.data.split import Index


class Images(Protocol):
    """Images in a fixed order."""

    def __len__(self) -> int: ...

    @property
    def labels(self) -> Sequence[int] | Index:
        """Classes of all images."""

    def batches(self, batches: Sequence[Index], epoch: int) -> Iterator[tuple[Any, Any]]:
        """Images, uint8 ``[B, C, H, W]``, and labels, int64 ``[B]``, of each batch of indices.

        As arrays or tensors on the CPU. They may look different from epoch to epoch, but always
        the same in one.
        """


class Data(Protocol):
    """Images to learn from and to measure on; see `TrainingData`."""

    @property
    def training(self) -> Images:
        """Images to learn from."""

    @property
    def evaluation(self) -> Images:
        """Images to measure on."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names, by label; empty where nobody asks."""

    @property
    def mean(self) -> tuple[float, ...]:
        """By channel, on a scale from 0 to 1."""

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation by channel on that scale."""
