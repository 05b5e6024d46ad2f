"""Plan -> module: sites swapped in place, counted equal to built."""

from copy import deepcopy

import torch
from torch import nn

from search_spaces.budget import count
from search_spaces.config import NetworkConfig
from search_spaces.errors import InputError
from search_spaces.networks.backbones import plain_network
from search_spaces.networks.geometry import refuse_unservable
from search_spaces.networks.layer import KWConv, KWLinear, Warehouse
from search_spaces.networks.memory import keep_freed_memory
from search_spaces.networks.named import rebuilt
from search_spaces.networks.operator import find_way
from search_spaces.sites import Backbone, Site
from search_spaces.warehouse import Plan, plan_network


def build(
    config: NetworkConfig | Plan,
    backbone: Backbone | None = None,
    *,
    network: nn.Module | None = None,
    way: str = "auto",
) -> nn.Module:
    """Build the network of a configuration, or of a plan already worked out.

    Plain layers keep the names and initial weights of the plain network. Cells and the linears of
    attention start He normal by fan-out, a site's run of cells taken as one tensor. The same
    `torch.manual_seed` gives the same parameters. Under ``torch.device("meta")`` nothing is
    allocated. From the first build on, this process keeps memory that it frees.

    Args:
        config: what to build.
        backbone: the table to plan on; the shipped one of the config's name if None.
        network: the plain network to serve, of which a copy is made; the table's own if None.
        way: name of the way in which every layer is computed.

    Returns:
        The plain network with its sites swapped, at temperature 0; `plan_of` reads its plan, which
        it also carries as ``.plan``.

    Raises:
        InputError: no backbone or way of that name is shipped, the function that a table is named
            after is not there, or ``network`` does not have the sites of the table.
        InfeasibleError: the network cannot be built.
        AssertionError: counted and built differ, which is a fault of this project.
    """
    find_way(way)
    keep_freed_memory()
    plan = config if isinstance(config, Plan) else plan_network(config, backbone)
    module = plain_of(plan.backbone) if network is None else deepcopy(network)
    plain = {site.name: _plain_layer(module, site) for site in plan.backbone.sites}
    for index, warehouse in enumerate(plan.warehouses):
        shared = _start_warehouse(plan, index, plain[plan.sites[warehouse.sites[0]].site.name])
        for i in warehouse.sites:
            served = plan.sites[i]
            layer = plain[served.site.name]
            kind = KWLinear if served.site.kind == "linear" else KWConv
            norm = plan.backbone.attention_norm
            with _device_of(layer):
                swapped = kind(served, layer, shared, norm=norm, way=way)
            module.set_submodule(served.site.name, swapped.to(_weight(layer).dtype))
    module.__dict__["plan"] = plan
    _check_count(module, plan)
    return module


def plan_of(network: nn.Module) -> Plan:
    """The plan that `build` left on a network.

    Raises:
        InputError: the network was not built here.
    """
    plan = network.__dict__.get("plan")
    if not isinstance(plan, Plan):
        raise InputError(
            f"This {type(network).__name__} carries no plan.",
            "Build it with search_spaces.networks.build.",
        )
    return plan


def plain_of(table: Backbone) -> nn.Module:
    """The plain network of a table, shipped or named as ``"package.module:function"``.

    Raises:
        InputError: no network of that name is shipped, or the function is not there.
    """
    return rebuilt(table) if ":" in table.name else plain_network(table)


def _plain_layer(module: nn.Module, site: Site) -> nn.Module:
    """The layer of a site, checked against the table."""
    try:
        layer = module.get_submodule(site.name)
    except AttributeError:
        raise InputError(
            f"{type(module).__name__} has no layer {site.name!r}, which its table lists as a site.",
            "Use the table of this very network.",
        ) from None
    refuse_unservable(site.name, layer)
    found = (tuple(_weight(layer).shape), getattr(layer, "groups", 1), layer.bias is not None)
    shape = site.weight_shape if site.kind == "conv" else site.weight_shape[:2]
    if found != (shape, site.groups, site.bias):
        raise InputError(
            f"Layer {site.name!r} has (weight, groups, bias) {found}, and its table says "
            f"{(shape, site.groups, site.bias)}.",
            "Use the table of this very network.",
        )
    return layer


def _start_warehouse(plan: Plan, index: int, layer: nn.Module) -> Warehouse:
    """The warehouse of that index, with the cells of every site drawn in site order."""
    with _device_of(layer):
        warehouse = Warehouse(plan.warehouses[index]).to(_weight(layer).dtype)
    for i in plan.warehouses[index].sites:
        warehouse.start_run(plan.sites[i].start, plan.sites[i].owned)
    return warehouse


def _device_of(layer: nn.Module) -> torch.device:
    return _weight(layer).device


def _weight(layer: nn.Module) -> torch.Tensor:
    weight = layer.weight
    assert isinstance(weight, torch.Tensor)  # noqa: S101 - `refuse_unservable` let the layer pass
    return weight


def _check_count(module: nn.Module, plan: Plan) -> None:
    counted = count(plan).params
    built = sum(parameter.numel() for parameter in module.parameters())
    if counted != built:
        raise AssertionError(
            f"{counted:,} parameters were counted for {plan.backbone.name}, but {built:,} were "
            "built: the table does not describe this network, or the arithmetic is wrong"
        )
