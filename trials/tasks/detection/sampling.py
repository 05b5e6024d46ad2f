"""Which anchors and proposals are learnt from, drawn alike whatever process has the image."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler


class SeededSampler(BalancedPositiveNegativeSampler):  # type: ignore[misc]  # torchvision is untyped
    """torchvision's sampler, with a seed for each image of the coming batch.

    A loss is a mean over what was drawn, so the numbers are kept: `loop` weighs the means of
    several processes by them.

    Attributes:
        seeds: of the images of this process's part of the batch, in their order.
        positive: things among what was drawn last, over all images.
        drawn: all that was drawn last, over all images.
    """

    seeds: Sequence[int] = ()
    positive: int = 0
    drawn: int = 0

    def __call__(self, matched: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Draw from each image; masks of the positive and of the negative ones."""
        found: list[tuple[Tensor, Tensor]] = []
        device = matched[0].device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            for seed, one in zip(self.seeds, matched, strict=True):
                torch.manual_seed(seed)
                positive, negative = super().__call__([one])
                found.append((positive[0], negative[0]))
        positives, negatives = [one for one, _ in found], [one for _, one in found]
        self.positive = sum(int(one.sum()) for one in positives)
        self.drawn = self.positive + sum(int(one.sum()) for one in negatives)
        return positives, negatives
