"""A moving average of a network's weights."""

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Average:
    """A copy of a network that follows it slowly.

    Attributes:
        network: the copy; never trained itself.
        decay: share of the average that a step leaves, once it has settled.
    """

    network: nn.Module
    decay: float

    @classmethod
    def of(cls, network: nn.Module, decay: float) -> "Average | None":
        """An average that starts at the network; None for a decay of 0."""
        if not decay:
            return None
        return cls(deepcopy(network).requires_grad_(requires_grad=False), decay)

    def follow(self, network: nn.Module, step: int) -> None:
        """Move towards the network as it is after ``step`` steps.

        In the first steps the decay is ``(1 + step) / (10 + step)``, so that the weights a network
        starts with are soon forgotten. Running statistics are averaged alike; integers are copied.
        """
        decay = min(self.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            ours, theirs = self.network.state_dict(), network.state_dict()
            for name, mean in ours.items():
                value = theirs[name]
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - decay)
                else:
                    mean.copy_(value)
