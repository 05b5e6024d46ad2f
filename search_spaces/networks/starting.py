"""A served network that starts as a trained plain one, or as near to it as its cells allow."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from search_spaces.errors import InputError
from search_spaces.networks.assigning import start_rows
from search_spaces.networks.attention import ROW_EPSILON, Attention
from search_spaces.networks.build import plain_of, plan_of
from search_spaces.networks.fitting import Fit, fit_kernels
from search_spaces.networks.timm_names import torchvision_name
from search_spaces.sites import Backbone
from search_spaces.warehouse import Plan

Shape = tuple[int, ...]
Tensors = Mapping[str, Tensor]

_NAMED = 5
"""Tensors that an error names of each fault, at most."""

_COUNTER = "num_batches_tracked"
"""Of batch norms, which older files lack; nothing depends on it."""


@dataclass(frozen=True, slots=True)
class StartReport:
    """What a network has of the plain one that it starts from.

    Attributes:
        kept: by site: the share of its kernel's energy (sum of squares) that the cells give back.
        energy: the same of all sites together; 1 where every mixture has a cell of its own.
        fresh: tensors of the classifier that stay as they were drawn, as the plain network's has
            another number of classes, or none.
    """

    kept: Mapping[str, float]
    energy: float
    fresh: tuple[str, ...]

    def __str__(self) -> str:
        """One line for people."""
        worst = min(self.kept, key=lambda name: self.kept[name])
        text = f"The cells keep {self.energy:.1%} of the kernels' energy"
        if self.energy < 1 - 1e-6:
            text += f", least in {worst} ({self.kept[worst]:.1%})"
        return text + (f"; {', '.join(self.fresh)} starts fresh." if self.fresh else ".")


@torch.no_grad()
def start_from(network: nn.Module, tensors: Tensors, *, assigned: bool = True) -> StartReport:
    """Start a network from the tensors of its plain one, in place.

    Everything plain is taken over by name. Kernels are put into cells by `fit_kernels`; where every
    mixture has a cell of its own, the network then computes what the plain one does.

    Args:
        network: one that `build` made.
        tensors: of the plain network, under the names of its state dict, or for a shipped backbone
            under those of torchvision or timm.
        assigned: whether attention starts with cells assigned, to be used at temperature 0; else
            cells are set for a start at temperature 1.

    Raises:
        InputError: the network was not built here, or layers are missing, unknown or of other
            sizes; they are named. The network is then unchanged.
    """
    plan = plan_of(network)
    known = _plain_shapes(network, plan)
    given = _renamed(plan.backbone.name, known, tensors)
    fresh = _fresh(network, known, given)
    _require_fit(plan.backbone.name, known, given, fresh)
    owners = (plan.sites[one.sites[0]].site.name for one in plan.warehouses)
    homes = [network.get_parameter(f"{name}.warehouse.cells") for name in owners]
    kernels = {one.site.name: given[f"{one.site.name}.weight"] for one in plan.sites}
    divisor = 1 + ROW_EPSILON if assigned else 1.0
    fit = fit_kernels(plan, kernels, tuple(homes), mixed=assigned, divisor=divisor)
    for home, cells in zip(homes, fit.cells, strict=True):
        home.copy_(cells.view(home.shape))
    if assigned:
        _assign(network, plan, fit)
    _take_over(network, given, fresh)
    return StartReport(fit.kept, fit.energy, fresh)


@torch.no_grad()
def start_plain(network: nn.Module, backbone: str, tensors: Tensors) -> tuple[str, ...]:
    """Start a plain network from the tensors of a trained one, in place.

    Args:
        network: of `plain_of`.
        backbone: its name.
        tensors: as for `start_from`.

    Returns:
        Tensors of the classifier that stay as they were drawn.

    Raises:
        InputError: as `start_from`.
    """
    known = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    given = _renamed(backbone, known, tensors)
    fresh = _fresh(network, known, given)
    _require_fit(backbone, known, given, fresh)
    _take_over(network, given, fresh)
    return fresh


def _take_over(network: nn.Module, given: Tensors, fresh: Collection[str]) -> None:
    """Copy every tensor that the network has under the same name."""
    own = network.state_dict()
    for name in own.keys() & given.keys() - set(fresh):
        own[name].copy_(given[name].reshape(own[name].shape))


def fresh_tensors(table: Backbone, tensors: Tensors) -> tuple[str, ...]:
    """Tensors of a backbone's classifier that the plain network to start from has not in its size.

    Args:
        table: of the network to start.
        tensors: as for `start_from`.

    Raises:
        InputError: layers are missing, unknown or of other sizes; they are named.
    """
    with torch.device("cpu" if ":" in table.name else "meta"), torch.random.fork_rng(devices=[]):
        network = plain_of(table)
    known = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    given = _renamed(table.name, known, tensors)
    fresh = _fresh(network, known, given)
    _require_fit(table.name, known, given, fresh)
    return fresh


def _assign(network: nn.Module, plan: Plan, fit: Fit) -> None:
    """Shares as bias; what a row lacks to size 1 is given to the zero cell."""
    for served in plan.sites:
        attention = network.get_submodule(f"{served.site.name}.attention")
        assert isinstance(attention, Attention)  # noqa: S101 - `build` put it there
        shares = fit.shares[served.site.name]
        rest = (1 - shares.abs().sum(1, keepdim=True)).clamp_min(0)
        start_rows(attention, torch.cat((shares, rest), 1))


def _renamed(backbone: str, known: Mapping[str, Shape], tensors: Mapping[str, Tensor]) -> Tensors:
    """The tensors under torchvision's names, if those fit better."""
    renamed = {torchvision_name(backbone, name): one for name, one in tensors.items()}
    return max(dict(tensors), renamed, key=lambda one: len(one.keys() & known.keys()))


def _plain_shapes(network: nn.Module, plan: Plan) -> dict[str, Shape]:
    """Shapes in the state dict of the plain network, by name."""
    sites = {served.site.name: served.site for served in plan.sites}
    inner = tuple(f"{name}.{part}." for name in sites for part in ("attention", "warehouse"))
    shapes = {
        name: tuple(value.shape)
        for name, value in network.state_dict().items()
        if not name.startswith(inner)
    }
    for name, site in sites.items():
        linear = site.kind == "linear"
        shapes[f"{name}.weight"] = site.weight_shape[:2] if linear else site.weight_shape
    return shapes


def _fresh(network: nn.Module, known: Mapping[str, Shape], given: Tensors) -> tuple[str, ...]:
    """Tensors of the classifier, the last layer, for which there are none of its size."""
    last = [name for name, _ in network.named_parameters()][-1].rpartition(".")[0]
    head = [name for name in known if name.rpartition(".")[0] == last]
    return tuple(
        name
        for name in head
        if name not in given
        or (given[name].shape[1:] == known[name][1:] and len(given[name]) != known[name][0])
    )


def _require_fit(
    backbone: str, known: Mapping[str, Shape], given: Tensors, fresh: Collection[str]
) -> None:
    """Refuse tensors that are not those of the plain network."""
    wanted = [name for name in known if name not in fresh]
    faults = {
        "it lacks": [n for n in wanted if n not in given and not n.endswith(_COUNTER)],
        "it has more": [name for name in given if name not in known],
        "sizes differ": [
            f"{name} ({_told(given[name].shape)}, not {_told(known[name])})"
            for name in wanted
            if name in given and _wide(given[name].shape) != _wide(known[name])
        ],
    }
    told = [
        f"{fault}: {', '.join(names[:_NAMED])}{_more(len(names) - _NAMED)}"
        for fault, names in faults.items()
        if names
    ]
    if told:
        raise InputError(
            f"The network to start from is not a plain {backbone}; {'; '.join(told)}.",
            "Give the weights of this very network, with torchvision's or timm's names.",
        )


def _wide(shape: Sequence[int]) -> list[int]:
    """A shape without axes of length 1: layer scales have them in torchvision alone."""
    return [edge for edge in shape if edge != 1]


def _told(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "one number"


def _more(names: int) -> str:
    return f" and {names} more" if names > 0 else ""
