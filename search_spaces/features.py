"""What a plan tells of its network as numbers, for models of accuracy and for tables.

Sizes are natural logarithms, since networks that differ by a factor differ alike at every size.
"""

from math import log
from statistics import mean

from search_spaces.budget import count
from search_spaces.warehouse import Plan


def features(plan: Plan) -> dict[str, float]:
    """Features of a network by name, in an order that the backbone alone decides.

    Of the whole network: ``log_params``, ``log_macs``, ``attention_share`` (of the parameters).
    Of each stage, as a mean over its sites: ``log_cells`` and ``log_warehouse_mixtures`` of the
    warehouse that serves a site, ``log_sites`` that it serves, ``log_mixtures`` of the site,
    ``log_cell_out`` and ``log_cell_in`` channels of a cell, ``log_hidden`` width of the attention;
    the stage follows after a dot, as in ``"log_cells.stage0"``.
    """
    size = count(plan)
    found = {
        "log_params": log(size.params),
        "log_macs": log(size.macs),
        "attention_share": size.attention_params / size.params,
    }
    for stage in plan.backbone.stages:
        rows = [numbers for own, numbers in _sites(plan) if own == stage]
        for index, name in enumerate(_OF_SITES):
            found[f"{name}.{stage}"] = mean(log(row[index]) for row in rows)
    return found


_OF_SITES = (
    "log_cells",
    "log_warehouse_mixtures",
    "log_sites",
    "log_mixtures",
    "log_cell_out",
    "log_cell_in",
    "log_hidden",
)


def _sites(plan: Plan) -> list[tuple[str, tuple[int, ...]]]:
    """Of each site its stage, and the numbers that `_OF_SITES` names."""
    rows: list[tuple[str, tuple[int, ...]]] = []
    for served in plan.sites:
        warehouse = plan.warehouses[served.warehouse]
        mixtures = sum(plan.sites[index].mixtures for index in warehouse.sites)
        cell_out, cell_in = warehouse.cell_shape[:2]
        numbers = (
            warehouse.cells,
            mixtures,
            len(warehouse.sites),
            served.mixtures,
            cell_out,
            cell_in,
            served.hidden,
        )
        rows.append((served.site.address.stage, numbers))
    return rows
