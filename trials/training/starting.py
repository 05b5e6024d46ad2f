"""A network as a training begins with it."""

import torch
from torch import nn

from search_spaces import Backbone, NetworkConfig, Plan
from search_spaces.networks import assign_cells, build
from trials.training.recipe import AttentionStart


def started(
    config: NetworkConfig | Plan,
    backbone: Backbone | None = None,
    *,
    attention_start: AttentionStart,
    seed: int,
    way: str = "auto",
) -> nn.Module:
    """Build a network with the weights that its training begins with.

    Args:
        config: what to build.
        backbone: the table to plan on; the shipped one of the config's name if None.
        attention_start: ``"assigned"`` gives every piece of a kernel a cell to begin with.
        seed: everything random follows from it. It is that of torch's global generator, which goes
            on from there.
        way: name of the way in which every layer is computed.

    Raises:
        InputError: see `build`.
        InfeasibleError: likewise.
    """
    torch.manual_seed(seed)
    network = build(config, backbone, way=way)
    if attention_start == "assigned":
        assign_cells(network)
    return network
