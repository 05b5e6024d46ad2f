"""Exported networks as modules; torch is loaded with this file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from kwsearch.exporting.checksums import CURE
from kwsearch.exporting.contents import is_detection, is_own
from kwsearch.exporting.layout import BACKBONE
from search_spaces import Plan
from search_spaces.networks import build
from search_spaces.networks.named import is_library_model, require_trust
from trials.errors import DamagedDataError
from trials.tasks.classification.recipe import AttentionStart
from trials.tasks.classification.starting import started

Shapes = dict[str, tuple[tuple[int, ...], str]]
"""Shape and type of tensors by name."""

_TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.bool: "BOOL",
}


def built(
    plan: Plan, weights: Path | None, origin: Mapping[str, Any], *, trust_code: bool
) -> nn.Module:
    """The network in evaluation mode; see `kwsearch.exporting.exported.Exported.network`."""
    require_trust(plan.backbone.name, trust_code=trust_code)
    with torch.random.fork_rng(devices=[]):
        network = started(plan, attention_start=_attention_start(origin), seed=int(origin["seed"]))
    if weights is not None:
        check_weights(weights, network)
        network.load_state_dict(load_file(weights))
    return network.eval()


def rebuilt(folder: Path, plan: Plan, weights: Path | None) -> tuple[int | None, int]:
    """Build the network for its sizes alone, and compare the weights with it.

    A shipped network takes no memory for that. Code of anyone but kwsearch, torchvision and timm
    is not run: then the cells among the weights are compared with the plan.

    Returns:
        Parameters of the network, None where it was not built; tensors in the file of weights
        (0 without one).

    Raises:
        InputError: torchvision or timm has no such model any more.
        DamagedDataError: the table or the weights do not fit the network.
    """
    name = plan.backbone.name
    library = is_library_model(name)
    if ":" in name and not library:
        return None, 0 if weights is None else _check_cells(weights, plan)
    try:
        with torch.device("cpu" if library else "meta"), torch.random.fork_rng(devices=[]):
            network = build(plan)
    except AssertionError as error:
        raise DamagedDataError(
            f"{folder / BACKBONE} does not fit the network: {error}.", CURE
        ) from None
    tensors = 0 if weights is None else check_weights(weights, network)
    return sum(parameter.numel() for parameter in network.parameters()), tensors


def _check_cells(path: Path, plan: Plan) -> int:
    """Compare the cells in a safetensors file with a plan; raises like `check_weights`."""
    found = _stored(path)
    for warehouse in plan.warehouses:
        wanted = (warehouse.cells, *warehouse.cell_shape)
        names = [f"{plan.sites[i].site.name}.warehouse.cells" for i in warehouse.sites]
        shapes = [found[name][0] for name in names if name in found]
        if shapes != [wanted]:
            raise DamagedDataError(
                f"{path} is not of this network: {names[0]!r} should be "
                f"{'x'.join(map(str, wanted))}.",
                CURE,
            )
    return len(found)


def check_weights(path: Path, network: nn.Module) -> int:
    """Compare names, shapes and types in a safetensors file with those of a network.

    Returns:
        The number of tensors.

    Raises:
        DamagedDataError: the file is no whole safetensors file, or they differ.
    """
    found = _stored(path)
    wanted: Shapes = {
        name: (tuple(value.shape), _TYPES[value.dtype])
        for name, value in network.state_dict().items()
    }
    odd = sorted(
        name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)
    )
    if odd:
        more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
        raise DamagedDataError(
            f"{path} is not of this network: {odd[0]!r}{more} "
            f"should be {_told(wanted.get(odd[0]))} and is {_told(found.get(odd[0]))}.",
            CURE,
        )
    return len(found)


def _attention_start(origin: Mapping[str, Any]) -> AttentionStart:
    """How the attention of the trial's training began; studies did not always say."""
    settings = origin.get("settings")
    if is_own(settings) or is_detection(settings):
        return "assigned"
    proxy = settings.get("proxy") if isinstance(settings, dict) else None
    start = proxy.get("attention_start") if isinstance(proxy, dict) else None
    return "assigned" if start == "assigned" else "temperature"


def _stored(path: Path) -> Shapes:
    """Reads the header alone; nothing in the file is ever run."""
    try:
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            return {n: (tuple(s.get_shape()), str(s.get_dtype())) for n, s in slices.items()}
    except (SafetensorError, OSError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DamagedDataError(f"{path} is no whole safetensors file: {reason}.", CURE) from None


def _told(shape: tuple[tuple[int, ...], str] | None) -> str:
    return "absent" if shape is None else f"{'x'.join(map(str, shape[0])) or 'scalar'} {shape[1]}"
