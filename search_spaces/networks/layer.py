"""Layers whose weight is mixed anew for every sample from the cells of a warehouse.

A warehouse serves many layers, and its parameter must be counted, saved and moved once. So the
first layer that it serves owns the `Warehouse` as a submodule, and the others hold a plain
reference to that same module, which torch does not register. Since they refer to the module and not
to its parameter, casting, moving, loading and functional calls are seen by all; and deep copies and
pickles of a network keep the reference, because both follow identity. What does not carry over is
taking one layer out of its network: its copy takes a copy of the warehouse along.
`nn.DataParallel`, which rebuilds modules from their registered parts, is not supported;
`DistributedDataParallel` is.
"""

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from search_spaces.networks.attention import Attention
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.operator import convolve, find_way
from search_spaces.networks.ways.ledger import shared
from search_spaces.sites import AttentionNorm
from search_spaces.warehouse import SitePlan, WarehousePlan


class Warehouse(nn.Module):
    """The cells that a group of sites shares: one parameter ``[N, cell_out, cell_in, *kernel]``.

    Args:
        plan: the warehouse's part of a plan; cells start at 0 until `start_run` draws them.
    """

    def __init__(self, plan: WarehousePlan) -> None:
        super().__init__()
        self.name = plan.name
        self.cells = nn.Parameter(torch.zeros(plan.cells, *plan.cell_shape))

    @torch.no_grad()
    def start_run(self, start: int, owned: int) -> None:
        """Draw the cells that one site owns: He normal, fan-out of the run taken as one tensor."""
        if owned and not self.cells.is_meta:
            run = self.cells[start : start + owned]
            nn.init.kaiming_normal_(run.flatten(0, 1), mode="fan_out", nonlinearity="relu")

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:  # noqa: FBT001, FBT002 - the signature is torch's
        def flat(tensor: Tensor) -> Tensor:
            # cells are no images, but torch would lay tensors of their rank out channels last
            return fn(tensor.flatten(1)).view(tensor.shape)

        super()._apply(flat, recurse)  # type: ignore[no-untyped-call]  # torch left it untyped
        return self

    def extra_repr(self) -> str:
        """Name and shape of the warehouse."""
        return f"{self.name}, {'x'.join(map(str, self.cells.shape))}"


class _Served(nn.Module):
    """What both kinds of served layers have in common."""

    warehouse: Warehouse
    bias: nn.Parameter | None

    def __init__(
        self,
        plan: SitePlan,
        plain: nn.Module,
        warehouse: Warehouse,
        *,
        owner: bool,
        norm: AttentionNorm = "batch",
        way: str = "auto",
    ) -> None:
        super().__init__()
        find_way(way)
        self.geometry = Geometry.of(plan, plain)
        self.way = way
        self.attention = Attention(plan, norm)
        bias = plain.bias
        self.bias = bias if isinstance(bias, nn.Parameter) else None
        if owner:
            self.warehouse = warehouse
        else:
            object.__setattr__(self, "warehouse", warehouse)

    def _convolve(self, x: Tensor) -> Tensor:
        """``[B, I, *spatial]`` -> ``[B, O, *out]``, without bias."""
        stored = shared(self.warehouse.cells)
        cells = stored.reshape(*stored.shape[:3], *self.geometry.cell_kernel)
        alpha = self.attention(x).to(cells.dtype)
        return convolve(x, alpha, cells, self.geometry, self.way)

    def extra_repr(self) -> str:
        """Sizes, the warehouse that serves the layer, and the way of computing."""
        g = self.geometry
        kernel = "x".join(map(str, g.kernel))
        return (
            f"{g.in_channels}, {g.out_channels}, kernel={kernel}, groups={g.groups}, "
            f"warehouse={self.warehouse.name}, way={self.way}"
        )


class KWConv(_Served):
    """A 1-d, 2-d or 3-d convolution served by a warehouse.

    Args:
        plan: the site's part of a plan.
        plain: the convolution it replaces; its bias, if any, is taken over as it is.
        warehouse: the cells.
        owner: whether this layer registers the warehouse (the first layer that it serves does).
        norm: norm of the attention's hidden layer.
        way: name of the way of computing.

    Raises:
        InfeasibleError: cells cannot stand in for the weight of ``plain``.
        InputError: no way has that name.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``[B, I, *spatial]`` -> ``[B, O, *out]``."""
        y = self._convolve(x)
        if self.bias is None:
            return y
        return y + self.bias.to(y.dtype).view(-1, *(1,) * self.geometry.dims)


class KWLinear(_Served):
    """A linear layer over tokens, channels last, served by a warehouse.

    All tokens of a sample share one weight, mixed after the mean of the tokens. Arguments are
    those of `KWConv`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``[B, *positions, I]`` -> ``[B, *positions, O]``; no position axis is needed."""
        positions = x.shape[1:-1]
        tokens = x.reshape(x.shape[0], -1, x.shape[-1]).transpose(1, 2)
        y = self._convolve(tokens).transpose(1, 2)
        y = y.reshape(x.shape[0], *positions, y.shape[-1])
        return y if self.bias is None else y + self.bias.to(y.dtype)


def warehouses(network: nn.Module) -> list[Warehouse]:
    """The warehouses of a network, in order of the first layer that each serves."""
    return [module for module in network.modules() if isinstance(module, Warehouse)]
