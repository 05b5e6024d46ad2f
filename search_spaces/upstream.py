"""Reads and writes the settings of the authors' implementation (*upstream*).

Upstream's settings are a mapping: a ``model``, and ratios that are one number for the network or a
list with one number per warehouse. Two of its models fix all of them.

``sharing_range`` is written there as a list of address parts, or, in the models that fix their
settings, as one plain string. Upstream walks whatever it is given item by item, so a string is
walked letter by letter: ``"layer"`` merges parts that begin with ``l``, and its other letters
begin no part. A string is therefore read here as the list that it amounts to, ``["l"]``.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pydantic import ValidationError

from search_spaces.config import RATIOS, Granularity, NetworkConfig
from search_spaces.errors import InputError, nearest
from search_spaces.sites import SHARING_TOKENS
from search_spaces.warehouse import Plan, exact, plan_network

MODELS = {
    "kw_resnet18": "resnet18",
    "kw_resnet50": "resnet50",
    "kw_mobilenetv2_100": "mobilenetv2",
    "kw_mobilenetv2_050": "mobilenetv2-050",
    "kw_convnext_tiny": "convnext-tiny",
}
"""Upstream's models whose settings are free, and the backbone that each stands for."""

FIXED_MODELS = {
    "kw1d2x_mobilenetv2_100": "mobilenetv2-late",
    "kw1d2x_mobilenetv2_050": "mobilenetv2-050-late",
}
"""Upstream's models that fix their own settings."""

FIXED_RATIOS: dict[str, float | tuple[float, ...]] = {
    "reduction": 0.03125,
    "cell_num_ratio": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 0.5, 0.5),
    "cell_inplane_ratio": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 0.5, 0.025),
    "cell_outplane_ratio": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 0.5, 1.0),
    "nonlocal_basis_ratio": 1.0,
}
FIXED_SHARING = "layer"

CLASSES = 1000
KEYS = ("model", *RATIOS, "sharing_range", "num_classes", "note")
PARTS = SHARING_TOKENS[1:]
"""The address parts that upstream merges; stages are not among them."""


def from_upstream(mapping: Mapping[str, Any]) -> NetworkConfig:
    """Read upstream's settings.

    Args:
        mapping: ``model``, and any of ``reduction``, ``cell_num_ratio``, ``cell_inplane_ratio``,
            ``cell_outplane_ratio``, ``nonlocal_basis_ratio`` (numbers, or lists with one number
            per warehouse), ``sharing_range`` (a list, or a string that is read as the list of its
            letters) and ``num_classes`` (1000 if absent). A ``note`` is passed over, as JSON has no
            comments. An absent ratio is 1, an absent reduction 1/16, and an absent sharing range
            merges layers and the convolutions that are not depthwise, as most published networks
            do. What a model fixes may be repeated but not changed.

    Raises:
        InputError: a key or model is unknown, or a value cannot be read; all faults are named.
    """
    faults = [
        f"{key!r} is not one of the settings.{nearest(str(key), KEYS)}"
        for key in mapping
        if key not in KEYS
    ]
    model = mapping.get("model")
    backbone = (MODELS | FIXED_MODELS).get(model) if isinstance(model, str) else None
    if backbone is None:
        known = (*MODELS, *FIXED_MODELS)
        faults.append(
            f"model {model!r} is not one of {', '.join(known)}.{nearest(str(model), known)}"
        )
    values = _read_values(mapping, faults)
    if backbone in FIXED_MODELS.values():
        fixed = {**FIXED_RATIOS, "sharing_range": _read_sharing(FIXED_SHARING, faults)}
        faults += [
            f"{model} fixes {key} at {fixed[key]!r}, but {value!r} is given."
            for key, value in values.items()
            if fixed.get(key, value) != value
        ]
        values |= fixed
    elif "sharing_range" not in values:
        dense = "conv" if backbone in {"resnet18", "resnet50"} else "pwconv"
        values["sharing_range"] = ("layer", dense)
    return _config(str(backbone), values, faults)


def to_upstream(config: NetworkConfig) -> dict[str, Any]:
    """Write a configuration as upstream's settings; `from_upstream` plans the same network.

    Values that differ between stages or warehouses are written as a list with one number per
    warehouse. ``num_classes`` is written where it is not 1000.

    Raises:
        InputError: upstream cannot express it; all reasons are named.
        InfeasibleError: the network cannot be built.
    """
    plan = plan_network(config)
    models = {backbone: model for model, backbone in (MODELS | FIXED_MODELS).items()}
    model = models.get(config.backbone)
    faults = _inexpressible(plan, models)
    if faults:
        raise InputError(
            f"The authors' implementation cannot express this configuration: {' '.join(faults)}",
            "Change what is named, or keep the configuration in the form of this project.",
        )
    settings: dict[str, Any] = {"model": model}
    if model in MODELS:
        settings |= {name: _unified(_per_warehouse(plan, name)) for name in RATIOS}
        settings["sharing_range"] = list(config.sharing_range)
    if config.num_classes != CLASSES:
        settings["num_classes"] = config.num_classes
    return settings


def _read_values(mapping: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    """The values given, as a configuration takes them; what cannot be read goes to ``faults``."""
    values: dict[str, Any] = {}
    for key in RATIOS:
        if key in mapping:
            given = mapping[key]
            numbers = given if isinstance(given, list | tuple) else [given]
            if not numbers or not all(map(_readable, numbers)):
                faults.append(f"{key} {given!r} is not a number, nor a list of numbers.")
                continue
            read = tuple(float(number) for number in numbers)
            values[key] = read if numbers is given else read[0]
    if "sharing_range" in mapping:
        values["sharing_range"] = _read_sharing(mapping["sharing_range"], faults)
    if "num_classes" in mapping:
        values["num_classes"] = mapping["num_classes"]
    return values


def _readable(number: object) -> bool:
    """Whether this is a number that a float holds; truth values are not numbers."""
    return type(number) is float or (type(number) is int and abs(number) < 2**53)


def _read_sharing(given: object, faults: list[str]) -> tuple[str, ...]:
    """Tokens of a list, or of the list that a string amounts to; each token once."""
    if isinstance(given, str):
        known = "".join(part[0] for part in SHARING_TOKENS)
        tokens = tuple(dict.fromkeys(letter for letter in given if letter in known))
    elif isinstance(given, list | tuple) and all(isinstance(token, str) for token in given):
        tokens = tuple(dict.fromkeys(given))
    else:
        faults.append(f"sharing_range {given!r} is not a list of address parts.")
        return ()
    faults += [
        f"sharing_range {token!r} is not one of the parts that are merged, {', '.join(PARTS)}."
        f"{nearest(token, PARTS)}"
        for token in tokens
        if not token or not any(part.startswith(token) for part in PARTS)
    ]
    return tokens


def _config(backbone: str, values: dict[str, Any], faults: list[str]) -> NetworkConfig:
    split = any(isinstance(values.get(name), tuple) for name in RATIOS)
    granularity: Granularity = "warehouse" if split else "network"
    if not faults:
        try:
            return NetworkConfig(backbone=backbone, granularity=granularity, **values)
        except ValidationError as error:
            faults += [f"{fault['loc'][0]}: {fault['msg']}." for fault in error.errors()]
    raise InputError(
        f"These are not settings of the authors' implementation: {' '.join(faults)}",
        f"The settings are {', '.join(KEYS)}.",
    )


def _inexpressible(plan: Plan, models: Mapping[str, str]) -> list[str]:
    """Why upstream cannot build this network; empty if it can."""
    config = plan.config
    model = models.get(config.backbone)
    faults = []
    if model is None:
        faults.append(f"backbone {config.backbone!r} is none of {', '.join(models)}.")
    if config.in_channels != 3:  # noqa: PLR2004 - red, green, blue
        faults.append(f"images have 3 channels there, not {config.in_channels}.")
    if not config.spatial_partition:
        faults.append("spatial_partition is always true there.")
    if any(SHARING_TOKENS[0].startswith(token) for token in config.sharing_range):
        faults.append("stages are never merged there.")
    odd = [b for b in _per_warehouse(plan, "cell_num_ratio") if not _whole(exact(b))]
    if odd:
        faults.append(
            f"cell_num_ratio {', '.join(f'{b:g}' for b in dict.fromkeys(odd))} is neither a whole "
            "number nor one part of a whole number of parts."
        )
    if model in FIXED_MODELS and not faults:
        fixed = from_upstream({"model": model, "num_classes": config.num_classes})
        if plan_network(fixed).digest != plan.digest:
            faults.append(f"{model} fixes its settings, and these differ from them.")
    return faults


def _whole(b: Fraction) -> bool:
    return 1 in (b.numerator, b.denominator)


def _per_warehouse(plan: Plan, name: str) -> list[float]:
    """The value of a setting for each warehouse, in their order."""
    value = getattr(plan.config, name)
    if not isinstance(value, tuple):
        return [value] * len(plan.warehouses)
    if plan.config.granularity == "warehouse":
        return list(value)
    stages = plan.backbone.stages
    return [
        value[stages.index(plan.sites[warehouse.sites[0]].site.address.stage)]
        for warehouse in plan.warehouses
    ]


def _unified(values: list[float]) -> float | list[float]:
    return values[0] if len(set(values)) == 1 else values
