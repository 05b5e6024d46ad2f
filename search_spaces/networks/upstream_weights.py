"""Weights of the authors' implementation (*upstream*) in networks of ours.

Site by site the two agree: ``attention.fc1``, ``norm1``, ``fc2``, ``fc3`` and ``basis_bias`` are
the same tensors under the same names. What differs is where a warehouse is kept (upstream numbers
them in one list, in the order of the plan) and how upstream's backbones name their layers.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from search_spaces.errors import InputError
from search_spaces.networks.attention import set_temperature
from search_spaces.networks.build import plan_of
from search_spaces.warehouse import Plan

Renames = tuple[tuple[str, str], ...]

_CONVNEXT: Renames = (
    *((rf"^downsample_layers\.{stage}\.", f"features.{2 * stage}.") for stage in range(4)),
    *((rf"^stages\.{stage}\.", f"features.{2 * stage + 1}.") for stage in range(4)),
    (r"^(features\.\d+\.\d+)\.gamma$", r"\1.layer_scale"),
    (r"^(features\.\d+\.\d+)\.dwconv\.", r"\1.block.0."),
    (r"^(features\.\d+\.\d+)\.norm\.", r"\1.block.2."),
    (r"^(features\.\d+\.\d+)\.pwconv1\.", r"\1.block.3."),
    (r"^(features\.\d+\.\d+)\.pwconv2\.", r"\1.block.5."),
    (r"^norm\.", "classifier.0."),
    (r"^head\.", "classifier.2."),
)

RENAMES: dict[str, Renames] = {
    "resnet": (),
    "mobilenetv2": (
        (r"^classifier\.(weight|bias)$", r"classifier.1.\1"),
        (r"^classifier\.1\.conv\.", "classifier.1."),
    ),
    "convnext-tiny": _CONVNEXT,
}
"""By the beginning of a backbone's name: regular expressions over upstream's names and what to put
in their place, applied in order. ResNets are named as torchvision names them."""

_WAREHOUSE = re.compile(r"warehouse_manager\.weights\.(\d+)")
_OURS_ALONE = (".temperature", ".beta")
_ZERO_IF_ABSENT = re.compile(r".*\.basis_bias")


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of every tensor; names are those of our network unless said otherwise.

    Attributes:
        loaded: tensors that were given a value.
        assumed: biases that upstream keeps as parameters in single precision only, absent from
            ``tensors`` and set to the zero that they then stand for.
        missing: tensors for which there was no value.
        unexpected: names in ``tensors`` that stand for nothing in the network (upstream's names).
        mismatched: tensors whose value has another shape, with the two shapes.
    """

    loaded: tuple[str, ...]
    assumed: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether everything fitted."""
        return not (self.missing or self.unexpected or self.mismatched)


@torch.no_grad()
def load_upstream_state_dict(
    model: nn.Module, tensors: Mapping[str, Tensor], *, strict: bool = True
) -> LoadReport:
    """Load a state dict of upstream into a network that `build` made.

    Values are cast to the network's precision. The temperature is set to 0, where upstream's
    training ends.

    Args:
        model: the network, changed in place.
        tensors: upstream's state dict (`read_tensors` reads a file).
        strict: refuse to load anything unless everything fits.

    Returns:
        What was loaded and what did not fit.

    Raises:
        InputError: the network was not built here, its backbone has no counterpart upstream, or
            something does not fit and ``strict`` is set; the network is then unchanged.
    """
    plan = plan_of(model)
    own = model.state_dict()
    renamed = _renamed(tensors, plan, _warehouse_names(plan))
    zero = _absent_biases(own, renamed, plan)
    fits = {k: v for k, v in renamed.items() if k in own and _same_shape(v, own[k])}
    report = LoadReport(
        loaded=tuple(fits),
        assumed=zero,
        missing=tuple(
            k for k in own if k not in renamed and k not in zero and not k.endswith(_OURS_ALONE)
        ),
        unexpected=tuple(
            theirs for theirs, k in zip(tensors, renamed, strict=True) if k not in own
        ),
        mismatched=tuple(
            f"{k} {_shape(own[k])}, given {_shape(v)}"
            for k, v in renamed.items()
            if k in own and k not in fits
        ),
    )
    if strict and not report.complete:
        raise InputError(
            f"The tensors do not fit {plan.backbone.name}: {_faults(report)}.",
            "Use the configuration that they were trained with, or strict=False.",
        )
    for name, value in fits.items():
        own[name].copy_(value.reshape(own[name].shape))
    for name in zero:
        own[name].zero_()
    set_temperature(model, 0)
    return report


def _renamed(
    tensors: Mapping[str, Tensor], plan: Plan, warehouses: tuple[str, ...]
) -> dict[str, Tensor]:
    """The tensors in their order, under our names; what has no counterpart keeps its name."""
    rules = _rules(plan.backbone.name)
    renamed: dict[str, Tensor] = {}
    for theirs, value in tensors.items():
        name = theirs
        found = _WAREHOUSE.fullmatch(theirs)
        if found and int(found[1]) < len(warehouses):
            name = warehouses[int(found[1])]
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        if name in renamed:
            raise InputError(
                f"Two of the tensors stand for {name!r}, one of them {theirs!r}.",
                "Remove one of the two.",
            )
        renamed[name] = value
    return renamed


def _rules(backbone: str) -> Renames:
    fitting = [start for start in RENAMES if backbone.startswith(start)]
    if not fitting:
        raise InputError(
            f"Upstream has no network like {backbone!r}, only {', '.join(RENAMES)}.",
            "Load weights of your own with load_state_dict.",
        )
    return RENAMES[max(fitting, key=len)]


def _warehouse_names(plan: Plan) -> tuple[str, ...]:
    """Names of the warehouses' parameters, in the order of the plan."""
    return tuple(f"{plan.sites[w.sites[0]].site.name}.warehouse.cells" for w in plan.warehouses)


def _absent_biases(
    own: Mapping[str, Tensor], given: Mapping[str, Tensor], plan: Plan
) -> tuple[str, ...]:
    sites = {f"{site.name}.bias" for site in plan.backbone.sites}
    return tuple(k for k in own if k not in given and (k in sites or _ZERO_IF_ABSENT.fullmatch(k)))


def _same_shape(value: Tensor, ours: Tensor) -> bool:
    """Whether the two shapes agree but for axes of length 1."""
    return [n for n in value.shape if n != 1] == [n for n in ours.shape if n != 1]


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _faults(report: LoadReport, shown: int = 5) -> str:
    def told(kind: str, names: Iterable[str]) -> str:
        names = tuple(names)
        more = f" and {len(names) - shown} more" if len(names) > shown else ""
        return f"{len(names)} {kind} ({', '.join(names[:shown])}{more})" if names else ""

    parts = (
        told("missing", report.missing),
        told("unexpected", report.unexpected),
        told("of another shape", report.mismatched),
    )
    return ", ".join(part for part in parts if part)
