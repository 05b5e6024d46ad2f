"""What a detector's backbone starts from: nothing, its plain network, or its own weights."""

from dataclasses import dataclass

import torch
from torch import nn

from search_spaces.errors import InputError
from trials.tasks.classification.starting import Start

BODY = "backbone.body."
"""What the names of the backbone's tensors begin with in a detector."""


@dataclass(frozen=True, slots=True)
class OwnWeights(Start):
    """Weights of the very network, trained on other images: its classifier may be another."""

    @torch.no_grad()
    def put_into(self, network: nn.Module, *, assigned: bool) -> None:
        """Load everything but the classifier, attention included.

        Raises:
            InputError: they are of another network.
        """
        del assigned
        given = {name.removeprefix(BODY): one for name, one in self.tensors().items()}
        own = network.state_dict()
        last = [name for name, _ in network.named_parameters()][-1].rpartition(".")[0]
        wanted = [name for name in own if name.rpartition(".")[0] != last]
        odd = [n for n in wanted if n not in given or given[n].shape != own[n].shape]
        if odd:
            raise InputError(
                f"{self.path} is not of this network: {odd[0]!r} is not there, or has another size"
                f"{f', and so are {len(odd) - 1} more' if len(odd) > 1 else ''}.",
                "Start from a folder of the same configuration, or leave --start out.",
            )
        for name in wanted:
            own[name].copy_(given[name])
