"""A start of attention for short trainings: every mixture begins as one cell, whatever the input.

Upstream's attention begins random, and the temperature hands the network over to it: in a training
of a few epochs that costs most of what there is. Here the last linear layer begins with weight 0
and a bias with one entry a row, so that a site begins as a fixed kernel made of single cells, and
learns to depart from it. No temperature is needed.
"""

import torch
from torch import Tensor, nn

from search_spaces.networks.attention import ROW_EPSILON, Attention
from search_spaces.networks.build import plan_of
from search_spaces.networks.layer import KWConv, KWLinear
from search_spaces.warehouse import SitePlan

ASSIGNED_SHARE = 1 / (1 + ROW_EPSILON)
"""What a row that starts with a single entry of size 1 takes of its cell."""


@torch.no_grad()
def assign_cells(network: nn.Module) -> None:
    """Start the attention of every site with an assignment of cells, in place.

    A row starts with the cell that beta points to; one that beta leaves with the zero cell starts
    with a cell of the site's run, or of the whole warehouse where the run is empty, taken plus or
    minus. Cells and signs of those rows are drawn from torch's global generator, the cells evenly:
    each is drawn once before any is drawn again. At temperature 0 the assigned cell then has the
    share `ASSIGNED_SHARE` in size, every other one 0, for all inputs.

    The cells of each run are brought to the size that the weight of the plain layer has, so that a
    kernel starts as large as the plain one: upstream's cells are the larger the fewer they are.

    Args:
        network: one that `build` made; under ``torch.device("meta")`` nothing is done.

    Raises:
        InputError: the network was not built here.
    """
    for served in plan_of(network).sites:
        layer = network.get_submodule(served.site.name)
        assert isinstance(layer, KWConv | KWLinear)  # noqa: S101 - `build` put it there
        attention = layer.attention
        if not attention.fc2.weight.is_meta:
            start_rows(attention, _assignment(served))
            _bring_to_size(layer.warehouse.cells[served.start : served.start + served.owned], layer)


@torch.no_grad()
def start_rows(attention: Attention, rows: Tensor) -> None:
    """Let an attention start with these rows for all inputs, in place.

    Args:
        attention: of a site.
        rows: ``[M, N + 1]``, zero cell last; at temperature 0 each is divided by the sum of its
            sizes and `ROW_EPSILON`.
    """
    attention.fc2.weight.zero_()
    attention.assignment.copy_(rows.flatten())


def _bring_to_size(run: Tensor, layer: KWConv | KWLinear) -> None:
    """Scale a run of cells, in place, so that assigned cells are as large as the plain weight."""
    if run.numel():
        run.mul_(layer.spread / ASSIGNED_SHARE / run.square().mean().sqrt())


def _assignment(served: SitePlan) -> Tensor:
    """``[M, N + 1]``: one entry of 1 or -1 in each row, none at the zero cell."""
    cells = torch.tensor(served.beta_rows())
    unowned = cells == served.cells
    drawn = int(unowned.sum())
    start, run = (served.start, served.owned) if served.owned else (0, served.cells)
    rounds = [torch.randperm(run) for _ in range(-(-drawn // run))]
    signs = torch.ones(len(cells))
    if drawn:
        cells[unowned] = start + torch.cat(rounds)[:drawn]
        signs[unowned] = torch.randint(0, 2, (drawn,)) * 2.0 - 1
    rows = torch.zeros(served.mixtures, served.cells + 1)
    return rows.scatter_(1, cells.unsqueeze(1), signs.unsqueeze(1))
