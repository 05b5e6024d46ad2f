"""Which sites meet in one warehouse, and what cells must divide there."""

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

from search_spaces.sites import Backbone


@dataclass(frozen=True, slots=True)
class Group:
    """Sites that one warehouse serves, before cells are cut.

    Attributes:
        name: merged address of the sites.
        sites: indices into `Backbone.sites`, in module order.
        stage: index of the stage of the first site.
        gcd_out: greatest common divisor of the sites' output channels.
        gcd_in: the same of their input channels, those of one group of a grouped convolution.
        kernels: sizes of kernels that occur, in order of appearance.
    """

    name: str
    sites: tuple[int, ...]
    stage: int
    gcd_out: int
    gcd_in: int
    kernels: tuple[tuple[int, ...], ...]

    def cell_kernel(self, *, spatial_partition: bool) -> tuple[int, ...] | None:
        """Kernel size of a cell; None where one cell cannot serve all kernels."""
        if spatial_partition:
            return (1,) * max(map(len, self.kernels))
        return self.kernels[0] if len(self.kernels) == 1 else None


@lru_cache(maxsize=256)
def groups_of(backbone: Backbone, sharing_range: tuple[str, ...]) -> tuple[Group, ...]:
    """One group for each warehouse, in order of first appearance."""
    members: dict[str, list[int]] = {}
    for index, site in enumerate(backbone.sites):
        members.setdefault(site.address.merged(sharing_range), []).append(index)
    return tuple(_group(backbone, name, tuple(sites)) for name, sites in members.items())


def _group(backbone: Backbone, name: str, indices: tuple[int, ...]) -> Group:
    sites = [backbone.sites[i] for i in indices]
    return Group(
        name=name,
        sites=indices,
        stage=backbone.stages.index(sites[0].address.stage),
        gcd_out=gcd(*(site.out_channels for site in sites)),
        gcd_in=gcd(*(site.group_in_channels for site in sites)),
        kernels=tuple(dict.fromkeys(site.kernel for site in sites)),
    )
