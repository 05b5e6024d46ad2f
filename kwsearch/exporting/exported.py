"""An exported folder, read back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kwsearch.exporting.checksums import CURE, read_checksums
from kwsearch.exporting.layout import (
    BACKBONE,
    CHECKPOINTS,
    CHECKSUMS,
    CONFIG,
    IMAGES,
    LADDER,
    ORIGIN,
    RESULTS,
    WEIGHTS,
)
from search_spaces import Backbone, InputError, KwsearchError, NetworkConfig, Plan, plan_network
from search_spaces.errors import plural
from trials.errors import DamagedDataError
from trials.files import file_sha256

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

MOST_BYTES = 32 * 2**20
"""Largest JSON file that is read: ten thousand layers and their counts need a fifth of it."""

MOST_SITES = 10_000
"""Most layers in a table that is planned on."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What a folder holds.

    Attributes:
        folder: where it lies.
        plan: the configuration, worked out on the table that lies beside it.
        origin: study, trial, seed, what was measured, and the network's digest.
        weights: the file of the trial's weights, or None where none were kept.
        images: how images are made ready, content of ``pretrained_cfg.json``; None where it is not
            known.
        results: what a full training reached; None of an export whose network had none.
    """

    folder: Path
    plan: Plan
    origin: Mapping[str, Any]
    weights: Path | None
    images: Mapping[str, Any] | None = None
    results: Mapping[str, Any] | None = None

    @property
    def config(self) -> NetworkConfig:
        """The network."""
        return self.plan.config

    @property
    def backbone(self) -> Backbone:
        """The table of layers that it is planned on."""
        return self.plan.backbone

    @property
    def proxy(self) -> Mapping[str, Any]:
        """The study's settings of images and trainings; empty where they are not known."""
        settings = self.origin.get("settings")
        proxy = settings.get("proxy") if isinstance(settings, dict) else None
        return proxy if isinstance(proxy, dict) else {}

    @property
    def skipped_damaged(self) -> bool:
        """Whether search or training left image files out that cannot be decoded."""
        return bool(self.proxy.get("skip_damaged") or (self.results or {}).get("skip_damaged"))

    def network(
        self, *, trust_code: bool = False, fresh: bool = False, cells: str = "float32"
    ) -> "nn.Module":
        """Build the network for inference; torch is loaded here.

        Args:
            trust_code: whether code that the folder names may be run, where the network is
                neither a shipped one nor one of torchvision's or timm's models. It is looked for
                in the current directory first.
            fresh: whether a folder without weights gives the network with those that the trial's
                training started from.
            cells: type that cells are kept in: ``"float32"``, or for inference alone ``"bfloat16"``
                (half the memory) or ``"int8"`` (a quarter); `docs/tools.md` says what that costs.

        Returns:
            The module in evaluation mode, with the trial's weights.

        Raises:
            InputError: the code is not trusted, is not there or has changed; there are no
                weights, and fresh ones were not asked for; or there is no such type of cells.
            DamagedDataError: the weights are not those of this network.
        """
        from kwsearch.exporting.networks import built  # noqa: PLC0415 - loads torch
        from search_spaces.networks import compress_cells  # noqa: PLC0415 - likewise

        if self.weights is None and not fresh:
            raise InputError(
                f"{self.folder} holds no weights: none were kept of this trial.",
                f"Train it with 'kwsearch train {self.folder}', or ask for the untrained network "
                "with network(fresh=True).",
            )
        network = built(self.plan, self.weights, self.origin, trust_code=trust_code)
        compress_cells(network, cells)
        return network


def load(folder: str | Path) -> Exported:
    """Read a folder that `kwsearch export` or `kwsearch train` wrote.

    What is read is checked against its checksums.

    Raises:
        InputError: there is no such folder, or it is no export.
        DamagedDataError: a file that is read is not as it was written.
    """
    folder = require_export(Path(folder))
    listed = read_checksums(folder)
    weights = folder / WEIGHTS if WEIGHTS in listed else None
    if weights is not None:
        _require_unchanged(weights, listed)
    backbone = read_part(folder, BACKBONE, listed, _table)
    plan = read_part(
        folder, CONFIG, listed, lambda raw: plan_network(NetworkConfig.from_json(raw), backbone)
    )
    origin = read_part(folder, ORIGIN, listed, _origin)
    images, results = (
        read_part(folder, name, listed, plain_object) if name in listed else None
        for name in (IMAGES, RESULTS)
    )
    return Exported(folder, plan, origin, weights, images, results)


def require_export(folder: Path) -> Path:
    """The folder, if it is one and holds anything of an export.

    Raises:
        InputError: it does not.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", "Write one with 'kwsearch export'.")
    if not any((folder / name).is_file() for name in (CHECKSUMS, CONFIG, LADDER)):
        raise InputError(f"{folder} holds no export.", "Write one with 'kwsearch export'.")
    if not (folder / CHECKSUMS).is_file():
        _require_no_training(folder)
    return folder


def _require_no_training(folder: Path) -> None:
    """Refuse the folder of a training that is not complete."""
    if (folder / CHECKPOINTS).is_dir():
        ended = (folder / RESULTS).is_file()
        raise InputError(
            f"{folder} holds a training "
            + ("that was ended without its model card and checksums." if ended else "to go on."),
            "Give the command of that training again with the same --output: it "
            + ("adds them without training anew." if ended else "goes on from its last epoch."),
        )
    if (folder / RESULTS).is_file() and not (folder / ORIGIN).is_file():
        raise InputError(
            f"{folder} holds a training without model card, checksums and checkpoints.",
            "Train the export again, into a new folder.",
        )


def read_part(folder: Path, name: str, listed: Mapping[str, str], read: Callable[[bytes], T]) -> T:
    """Read a file of an export, which must be as it was written.

    Raises:
        DamagedDataError: it is not, or ``read`` cannot make sense of it.
    """
    path = folder / name
    _require_unchanged(path, listed)
    if path.stat().st_size > MOST_BYTES:
        raise DamagedDataError(f"{path} is larger than {MOST_BYTES // 2**20} MiB.", CURE)
    try:
        return read(path.read_bytes())
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        KwsearchError,
    ) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DamagedDataError(f"{path} cannot be used: {reason}.", CURE) from None


def plain_object(raw: bytes) -> dict[str, Any]:
    """Read the object that a JSON file holds; raises a ValueError or TypeError otherwise."""
    value = json.loads(raw)
    if not isinstance(value, dict):
        raise TypeError(f"it holds a {type(value).__name__}, not an object")
    return value


def _table(raw: bytes) -> Backbone:
    value = plain_object(raw)
    sites = value.get("sites", ())
    if len(sites) > MOST_SITES:
        raise ValueError(f"it has {plural(len(sites), 'layer')}, more than {MOST_SITES:,}")
    return Backbone.from_dict(value)


def _require_unchanged(path: Path, listed: Mapping[str, str]) -> None:
    if path.is_symlink() or not path.is_file():
        raise DamagedDataError(f"{path} is missing.", CURE)
    if file_sha256(path) != listed.get(path.name):
        raise DamagedDataError(f"{path} is not as it was written.", CURE)


def _origin(raw: bytes) -> dict[str, Any]:
    value = plain_object(raw)
    wanted = {"seed": int, "params": int, "macs": int, "digest": str}
    odd = [name for name, kind in wanted.items() if not isinstance(value.get(name), kind)]
    if odd:
        raise TypeError(f"{', '.join(odd)} is not what it should be")
    return value
