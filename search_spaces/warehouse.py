"""Configuration and backbone -> plan: which warehouses there are, and which cells each site owns.

Everything here is exact integer arithmetic. The rules are those of KernelWarehouse (Li and Yao,
arXiv 2308.08361, section 3 and its appendix on kernel partition and beta), extended to every
positive multiplier:

- a warehouse serves the sites whose addresses are equal after merging;
- a cell takes a share of the greatest common divisor of the served channels;
- a site's *mixtures* m are the pieces its kernel is cut into, in the order (kernel position,
  output block, input block); a warehouse holds ``max(floor(b * sum of m), 1)`` cells;
- a site's run starts where the run before it ends and is ``floor(b * m)`` cells long; the last
  site owns what rounding leaves over, so that every cell is owned exactly once.
"""

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from math import prod

from search_spaces import formulas
from search_spaces.backbones import shipped
from search_spaces.config import NetworkConfig
from search_spaces.errors import InfeasibleError, plural
from search_spaces.grouping import Group, groups_of
from search_spaces.sites import Backbone, Site


@dataclass(frozen=True, slots=True)
class WarehousePlan:
    """One warehouse: a parameter of shape ``(cells, *cell_shape)``.

    Attributes:
        name: merged address of the sites it serves.
        cells: number of cells, n.
        cell_shape: ``(cell_out, cell_in, *cell kernel)``.
        sites: indices into `Plan.sites`, in module order.
    """

    name: str
    cells: int
    cell_shape: tuple[int, ...]
    sites: tuple[int, ...]

    @property
    def params(self) -> int:
        """Parameters of the warehouse."""
        return self.cells * prod(self.cell_shape)


@dataclass(frozen=True, slots=True)
class SitePlan:
    """How one site is served.

    Attributes:
        site: the site.
        warehouse: index into `Plan.warehouses`.
        cells: cells of that warehouse, n.
        blocks: ``(s, og, ig)``: kernel positions, output blocks and input blocks.
        ratio: the multiplier b, exactly.
        start: first cell of the site's run.
        local: ``floor(b * m)``, cells the basis form attends to directly.
        owned: length of the site's run; ``local``, and what is left over for the last site.
        hidden: width of the attention's hidden layer, h.
        basis: size of the basis, k, or None where attention reaches every cell directly.
        linear_bias: whether the first linear of the attention has a bias (layer norm only).
    """

    site: Site
    warehouse: int
    cells: int
    blocks: tuple[int, int, int]
    ratio: Fraction
    start: int
    local: int
    owned: int
    hidden: int
    basis: int | None
    linear_bias: bool

    @property
    def mixtures(self) -> int:
        """Pieces the kernel is cut into, m."""
        return prod(self.blocks)

    @property
    def attention_params(self) -> int:
        """Parameters of the site's attention, norm included."""
        return self._attention_costs()[0]

    @property
    def attention_macs(self) -> int:
        """MACs of the attention's linears for one image."""
        return self._attention_costs()[1]

    def _attention_costs(self) -> tuple[int, int]:
        direct = self.basis is None
        return formulas.attention_costs(
            self.site.in_channels,
            self.mixtures,
            self.cells,
            self.hidden,
            local=self.cells if direct else self.local,
            basis=self.basis or 0,
            linear_bias=self.linear_bias,
        )

    @property
    def mixing_macs(self) -> int:
        """MACs of assembling the kernel of one image from all cells of the warehouse."""
        return formulas.mixing_macs(self.site, self.cells)

    def beta_rows(self) -> tuple[int, ...]:
        """For each mixture, the cell that beta points to; ``cells`` stands for the zero cell.

        b >= 1: mixture i points to cell ``floor(i * b)`` of the run. b < 1: cell c of the run is
        pointed to by one of the mixtures ``ceil(c / b) .. ceil((c + 1) / b)``, moving one place on
        from cell to cell; the other mixtures point to the zero cell. For b and 1/b integer this
        is upstream's table.
        """
        up, down = self.ratio.numerator, self.ratio.denominator
        if up >= down:
            return tuple(self.start + i * up // down for i in range(self.mixtures))
        rows = [self.cells] * self.mixtures
        edges = [-(-c * down // up) for c in range(self.local + 1)]
        for c, (low, high) in enumerate(pairwise(edges)):
            rows[low + c % (high - low)] = self.start + c
        return tuple(rows)


@dataclass(frozen=True)
class Plan:
    """A configuration worked out on a backbone: everything needed to count or build it."""

    config: NetworkConfig
    backbone: Backbone
    warehouses: tuple[WarehousePlan, ...]
    sites: tuple[SitePlan, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the plan builds: two spellings of one network share it."""
        built = {
            "backbone": self.backbone.digest,
            "warehouses": [(w.cells, w.cell_shape) for w in self.warehouses],
            "sites": [
                (s.warehouse, s.start, s.owned, s.local, s.hidden, s.basis, s.beta_rows())
                for s in self.sites
            ],
        }
        text = json.dumps(built, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=4096)
def exact(ratio: float) -> Fraction:
    """The fraction a person meant by a float: 0.1 is 1/10, 0.3333333333333333 is 1/3.

    The simplest fraction with a denominator up to 4096 that reads back as the same float, else
    the float's own binary value.
    """
    simple = Fraction(ratio).limit_denominator(4096)
    return simple if float(simple) == ratio else Fraction(ratio)


def floor_times(ratio: Fraction, whole: int) -> int:
    """``floor(ratio * whole)``, without reducing the product first."""
    return ratio.numerator * whole // ratio.denominator


def plan_network(
    config: NetworkConfig,
    backbone: Backbone | None = None,
    *,
    input_size: tuple[int, int] | None = None,
) -> Plan:
    """Work a configuration out.

    Args:
        config: what to plan.
        backbone: the table to plan on; the shipped one of that name if None.
        input_size: height and width in pixels for a shipped table; its own default if None.

    Raises:
        InputError: no backbone of that name is shipped.
        InfeasibleError: the network cannot be built; the cause names site, sizes and a way out.
    """
    if backbone is None:
        backbone = shipped(config.backbone, config.num_classes, config.in_channels, input_size)
    groups = groups_of(backbone, config.sharing_range)
    warehouses: list[WarehousePlan] = []
    sites: dict[int, SitePlan] = {}
    for index, group in enumerate(groups):
        pick = _Picker(config, backbone, index, group, len(groups))
        warehouse, served = _plan_warehouse(config, backbone, index, group, pick)
        warehouses.append(warehouse)
        sites.update(zip(group.sites, served, strict=True))
    ordered = tuple(sites[i] for i in range(len(backbone.sites)))
    return Plan(config, backbone, tuple(warehouses), ordered)


@dataclass(frozen=True, slots=True)
class _Picker:
    """Reads the value of a setting for one warehouse."""

    config: NetworkConfig
    backbone: Backbone
    index: int
    group: Group
    total: int

    def __call__(self, setting: str) -> Fraction:
        value = getattr(self.config, setting)
        if not isinstance(value, tuple):
            return exact(value)
        by_stage = self.config.granularity == "stage"
        wanted = len(self.backbone.stages) if by_stage else self.total
        if len(value) != wanted:
            parts = plural(wanted, "stage" if by_stage else "warehouse")
            raise InfeasibleError(
                f"{setting} has {plural(len(value), 'value')}, but {self.config.backbone} has "
                f"{parts} under this sharing range.",
                f"Give {plural(wanted, 'value')}, or one for the whole network.",
            )
        return exact(value[self.group.stage if by_stage else self.index])


def _plan_warehouse(
    config: NetworkConfig, backbone: Backbone, index: int, group: Group, pick: _Picker
) -> tuple[WarehousePlan, list[SitePlan]]:
    cell_out = _cell_channels(backbone, group, group.gcd_out, pick, "cell_outplane_ratio")
    cell_in = _cell_channels(backbone, group, group.gcd_in, pick, "cell_inplane_ratio")
    cell_kernel = _cell_kernel(config, backbone, group)
    ratio, reduction = pick("cell_num_ratio"), pick("reduction")
    basis_ratio = pick("nonlocal_basis_ratio")
    uses_basis = basis_ratio < 1

    served = [backbone.sites[i] for i in group.sites]
    blocks = [formulas.cut(site, cell_out, cell_in, cell_kernel) for site in served]
    cells = formulas.cells(floor_times(ratio, sum(map(prod, blocks))))
    plans = []
    start = 0
    for site, cut in zip(served, blocks, strict=True):
        local = floor_times(ratio, prod(cut))
        last = site is served[-1]
        plans.append(
            SitePlan(
                site=site,
                warehouse=index,
                cells=cells,
                blocks=cut,
                ratio=ratio,
                start=start,
                local=local,
                owned=cells - start if last else local,
                hidden=formulas.width(floor_times(reduction, site.in_channels)),
                basis=(
                    formulas.width(floor_times(basis_ratio, cells - local)) if uses_basis else None
                ),
                linear_bias=backbone.attention_norm == "layer",
            )
        )
        start += local
    shape = (cell_out, cell_in, *cell_kernel)
    return WarehousePlan(group.name, cells, shape, group.sites), plans


def _cell_channels(
    backbone: Backbone, group: Group, common: int, pick: _Picker, setting: str
) -> int:
    """Channels of a cell along one side: it must divide those of every site, so their gcd."""
    ratio = pick(setting)
    cell = formulas.cell_channels(floor_times(ratio, common))
    if common % cell == 0:
        return cell
    side = "out_channels" if setting == "cell_outplane_ratio" else "group_in_channels"
    site = next(s for s in map(backbone.sites.__getitem__, group.sites) if getattr(s, side) % cell)
    divisors = [d for d in range(1, common + 1) if common % d == 0]
    below = max(d for d in divisors if d < cell)
    above = min(d for d in divisors if d > cell)
    channels = plural(getattr(site, side), "channel")
    raise InfeasibleError(
        f"{setting}={float(ratio):g} cuts cells of {plural(cell, 'channel')} in warehouse "
        f"{group.name!r}, which do not divide the {channels} of site {site.name!r}.",
        f"The nearest ratios that work there are {below}/{common} ({below / common:g}) and "
        f"{above}/{common} ({above / common:g}).",
    )


def _cell_kernel(config: NetworkConfig, backbone: Backbone, group: Group) -> tuple[int, ...]:
    kernel = group.cell_kernel(spatial_partition=config.spatial_partition)
    if kernel is not None:
        return kernel
    other = next(
        s for s in map(backbone.sites.__getitem__, group.sites) if s.kernel != group.kernels[0]
    )
    sizes = " and ".join("x".join(map(str, kernel)) for kernel in group.kernels)
    raise InfeasibleError(
        f"spatial_partition=false needs one kernel size in a warehouse, but {group.name!r} serves "
        f"kernels of {sizes} (site {other.name!r}).",
        "Set spatial_partition=true, or a narrower sharing_range.",
    )
