"""A training's state as one file: tensors as safetensors, everything else as JSON in its header.

Nothing in the file is ever run. A SHA-256 over tensors and JSON stands in the header too, so a file
that was cut or altered is known, and an earlier one is used. Weights carry the names of the
network's state dict: the file can be loaded as one.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from trials.errors import DamagedDataError
from trials.files import write_whole
from trials.records import Measurement, by_name

FORMAT = "kwsearch training 1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a training after an epoch.

    Attributes:
        identity: of the training: network, data, recipe and seed; see
            `trials.tasks.contract.identity_of`.
        epoch: epochs trained.
        step: steps taken.
        seconds: time that they took.
        measurements: all that were made so far.
        tensors: on the CPU, by name.
    """

    identity: str
    epoch: int
    step: int
    seconds: float
    measurements: tuple[Measurement, ...]
    tensors: Mapping[str, Tensor]

    def only(self, names: Iterable[str]) -> "Checkpoint":
        """The same with fewer tensors."""
        return replace(self, tensors={name: self.tensors[name] for name in names})


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        StorageError: it cannot be written; names the path and the size.
    """
    facts = asdict(replace(checkpoint, tensors={}))
    del facts["tensors"]
    text = json.dumps(facts, allow_nan=False)
    # a copy of each: safetensors refuses tensors that share memory, as tied weights do
    tensors = {
        name: t.detach().cpu().contiguous().clone() for name, t in checkpoint.tensors.items()
    }
    header = {"format": FORMAT, "state": text, "sha256": _digest(text, tensors)}
    raw = save(tensors, header)
    write_whole(path, lambda file: file.write(raw), need=len(raw))


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; runs nothing that the file brings along.

    Raises:
        DamagedDataError: it is not there, not a checkpoint, cut or altered.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        if header["format"] != FORMAT or header["sha256"] != _digest(header["state"], tensors):
            raise ValueError("it was altered")  # noqa: TRY301 - told with all the others below
        facts: dict[str, Any] = json.loads(header["state"])
        measured = tuple(
            Measurement(**{**m, "further": by_name(m.get("further"))})
            for m in facts.pop("measurements")
        )
        return Checkpoint(measurements=measured, tensors=tensors, **facts)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DamagedDataError(
            f"{path} is no whole checkpoint: {reason}.", "Remove it; an earlier one is used."
        ) from None


def latest(paths: Iterable[Path], identity: str) -> Checkpoint | None:
    """The first of the files, newest first, that is whole and belongs to this training."""
    for path in paths:
        try:
            found = read_checkpoint(path)
        except DamagedDataError:
            continue
        if found.identity == identity:
            return found
    return None


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
