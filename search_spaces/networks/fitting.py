"""The kernels of a plain network, fitted into the cells of a plan.

Axes: M mixtures of the sites of a warehouse, N cells, D numbers of a cell. A warehouse of cells
``C [N, D]`` and shares ``R [M, N]`` stands for the pieces ``R C`` of its sites' kernels.

Where every mixture has a cell of its own (b >= 1), the pieces are put there and nothing is lost.
Where cells are fewer, there are two ways. With shares of any kind, the best of all in the sense of
least squares are the principal components of the pieces (Eckart and Young 1936): cells are the N
main directions, shares the coordinates. With the shares of beta, those pieces that own a cell are
kept and the others are lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from search_spaces.warehouse import Plan, SitePlan


@dataclass(frozen=True, slots=True)
class Fit:
    """Kernels of all sites in the cells of a plan.

    Attributes:
        cells: of each warehouse, in the plan's order: ``[N, D]``, float64.
        shares: of each site by name: ``[M, N]``, float64; the sizes of a row add up to 1 at most.
        kept: of each site by name: the share of its kernel's energy (sum of squares) that the cells
            give back.
        energy: the same of all kernels together.
    """

    cells: tuple[Tensor, ...]
    shares: Mapping[str, Tensor]
    kept: Mapping[str, float]
    energy: float


@torch.no_grad()
def fit_kernels(
    plan: Plan,
    kernels: Mapping[str, Tensor],
    fresh: tuple[Tensor, ...],
    *,
    mixed: bool,
    divisor: float = 1.0,
) -> Fit:
    """Find cells and shares that give the kernels back, as nearly as cells can.

    Args:
        plan: of the network to start.
        kernels: weight of the plain layer of every site, by the site's name.
        fresh: cells of each warehouse, ``[N, ...]``: what cells stay that nothing needs.
        mixed: whether shares may be of any kind; else they are those of beta.
        divisor: what shares are divided by before they meet the cells.
    """
    cells, shares, lost, whole = [], {}, {}, {}
    for warehouse, drawn in zip(plan.warehouses, fresh, strict=True):
        served = [plan.sites[i] for i in warehouse.sites]
        pieces = [pieces_of(kernels[one.site.name], one) for one in served]
        found = _fit(
            torch.cat(pieces),
            torch.cat([torch.tensor(one.beta_rows()) for one in served]),
            drawn.detach().flatten(1).double().cpu(),
            mixed=mixed,
            divisor=divisor,
        )
        cells.append(found[1])
        rows = torch.split(found[0], [one.mixtures for one in served])
        for one, wanted, own in zip(served, pieces, rows, strict=True):
            name = one.site.name
            shares[name] = own
            lost[name] = float((wanted - own @ found[1] / divisor).square().sum())
            whole[name] = float(wanted.square().sum())
    return Fit(
        cells=tuple(cells),
        shares=shares,
        kept={name: _share(lost[name], whole[name]) for name in whole},
        energy=_share(sum(lost.values()), sum(whole.values())),
    )


def pieces_of(kernel: Tensor, served: SitePlan) -> Tensor:
    """Cut a kernel ``[O, I / groups, *kernel]`` into its mixtures: ``[M, D]``, float64.

    The order is (kernel position, output block, input block), that of the mixtures.
    """
    positions, outs, ins = served.blocks
    cut = (
        kernel.detach()
        .double()
        .cpu()
        .reshape(outs, kernel.shape[0] // outs, ins, kernel.shape[1] // ins, positions, -1)
    )
    return cut.permute(4, 0, 2, 1, 3, 5).reshape(served.mixtures, -1)


def _fit(
    pieces: Tensor, beta: Tensor, fresh: Tensor, *, mixed: bool, divisor: float
) -> tuple[Tensor, Tensor]:
    """Shares ``[M, N]`` and cells ``[N, D]``."""
    owner = beta < len(fresh)
    cells = fresh.clone()
    if mixed and not bool(owner.all()):
        directions = _main_directions(pieces, len(fresh))
        shares = torch.zeros(len(pieces), len(fresh), dtype=pieces.dtype)
        shares[:, : len(directions)] = pieces @ directions.mT
        largest = shares.abs().sum(1).max().clamp_min(torch.finfo(torch.float32).tiny)
        cells[: len(directions)] = directions * largest * divisor
        return shares / largest, cells
    cells[beta[owner]] = pieces[owner] * divisor
    return torch.nn.functional.one_hot(beta, len(fresh) + 1)[:, :-1].double(), cells


def _main_directions(pieces: Tensor, most: int) -> Tensor:
    """Orthonormal rows ``[K, D]`` that span the most energy of the pieces; K <= ``most``."""
    tall = len(pieces) > pieces.shape[1]
    values, vectors = torch.linalg.eigh(pieces.mT @ pieces if tall else pieces @ pieces.mT)
    rank = int((values > values[-1] * 1e-14).sum())
    best = vectors[:, -min(most, rank) :]
    basis: Tensor = best if tall else torch.linalg.qr(pieces.mT @ best).Q
    return basis.mT


def _share(lost: float, whole: float) -> float:
    return 1 - lost / whole if whole else 1.0
