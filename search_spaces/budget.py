"""Plan -> parameters and MACs, in total and per site, attention apart.

Parameters are those of ``sum(p.numel() for p in network.parameters())``: buffers (beta,
temperature, running statistics) are not parameters. MACs are multiply-accumulates of a batch of
one at the backbone's input size: convolutions and linears of the network, the linears of the
attention, and the assembly of one kernel per site from the cells. Biases, norms, activations,
pooling and the normalisation of attention are left out.
"""

from dataclasses import asdict, dataclass
from typing import Any

from search_spaces.config import NetworkConfig
from search_spaces.sites import Backbone
from search_spaces.warehouse import Plan, plan_network


@dataclass(frozen=True, slots=True)
class WarehouseCount:
    """What one warehouse holds."""

    name: str
    cells: int
    cell_shape: tuple[int, ...]
    mixtures: int
    params: int


@dataclass(frozen=True, slots=True)
class SiteCount:
    """What one site costs beside the cells it shares."""

    name: str
    address: str
    warehouse: str
    mixtures: int
    attention_params: int
    conv_macs: int
    attention_macs: int
    mixing_macs: int


@dataclass(frozen=True, slots=True)
class Count:
    """Cost of one network.

    Attributes:
        params: parameters in total: plain + cells + attention.
        macs: MACs in total for one image: plain + convolution + attention + mixing.
        plain_params: parameters outside sites (with the sites' own biases).
        cell_params: parameters in warehouses.
        attention_params: parameters of all attentions.
        plain_macs: MACs outside sites.
        conv_macs: MACs of the sites' convolutions.
        attention_macs: MACs of the attentions' linears.
        mixing_macs: MACs of assembling kernels from cells.
        backbone_params: parameters of the plain network, to compare with.
        backbone_macs: MACs of the plain network.
        warehouses: one row a warehouse, in order of first appearance.
        sites: one row a site, in module order.
    """

    params: int
    macs: int
    plain_params: int
    cell_params: int
    attention_params: int
    plain_macs: int
    conv_macs: int
    attention_macs: int
    mixing_macs: int
    backbone_params: int
    backbone_macs: int
    warehouses: tuple[WarehouseCount, ...]
    sites: tuple[SiteCount, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def count(
    config: NetworkConfig | Plan,
    backbone: Backbone | None = None,
    *,
    input_size: tuple[int, int] | None = None,
) -> Count:
    """Count a configuration, or a plan already worked out.

    Args:
        config: what to count.
        backbone: the table to count on; the shipped one of the config's name if None.
        input_size: height and width in pixels for a shipped table; its own default if None.

    Raises:
        InputError: no backbone of that name is shipped.
        InfeasibleError: the network cannot be built.
    """
    plan = (
        config
        if isinstance(config, Plan)
        else plan_network(config, backbone, input_size=input_size)
    )
    sites = tuple(
        SiteCount(
            name=served.site.name,
            address=str(served.site.address),
            warehouse=plan.warehouses[served.warehouse].name,
            mixtures=served.mixtures,
            attention_params=served.attention_params,
            conv_macs=served.site.conv_macs,
            attention_macs=served.attention_macs,
            mixing_macs=served.mixing_macs,
        )
        for served in plan.sites
    )
    warehouses = tuple(
        WarehouseCount(
            name=w.name,
            cells=w.cells,
            cell_shape=w.cell_shape,
            mixtures=sum(plan.sites[i].mixtures for i in w.sites),
            params=w.params,
        )
        for w in plan.warehouses
    )
    table = plan.backbone
    cell_params = sum(w.params for w in warehouses)
    attention_params = sum(s.attention_params for s in sites)
    conv_macs = sum(s.conv_macs for s in sites)
    attention_macs = sum(s.attention_macs for s in sites)
    mixing_macs = sum(s.mixing_macs for s in sites)
    return Count(
        params=table.plain_params + cell_params + attention_params,
        macs=table.plain_macs + conv_macs + attention_macs + mixing_macs,
        plain_params=table.plain_params,
        cell_params=cell_params,
        attention_params=attention_params,
        plain_macs=table.plain_macs,
        conv_macs=conv_macs,
        attention_macs=attention_macs,
        mixing_macs=mixing_macs,
        backbone_params=table.params,
        backbone_macs=table.macs,
        warehouses=warehouses,
        sites=sites,
    )
