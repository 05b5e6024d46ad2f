"""The optional ``state`` of a person's measure: tensors that a later attempt goes on from."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from search_spaces import InputError
from trials.checkpoints import ENDING, KEPT_RUNGS, Checkpoints


@dataclass
class State:
    """Given to a measure that takes ``state``.

    What is saved is written with the next report, so that it and the measurements belong together.
    """

    _kept: Mapping[str, Tensor] | None = None
    _saved: dict[str, Tensor] | None = field(default=None, init=False)

    def load(self) -> dict[str, Tensor] | None:
        """What the newest report of an earlier attempt was made with; None in a first attempt."""
        return None if self._kept is None else dict(self._kept)

    def save(self, tensors: Mapping[str, Tensor | float]) -> None:
        """Keep tensors and numbers by name, as they are now, with the next report.

        Raises:
            InputError: it is something else.
        """
        if not isinstance(tensors, Mapping):
            raise InputError(
                f"state.save takes tensors by name, and was given a {type(tensors).__name__}.",
                'Write state.save({"epoch": 1, **network.state_dict()}).',
            )
        self._saved = {str(name): _tensor(str(name), value) for name, value in tensors.items()}

    def take(self) -> dict[str, Tensor] | None:
        """What was saved since this was asked last."""
        saved, self._saved = self._saved, None
        return saved


class Place(Protocol):
    """Where the states of one job lie."""

    def path(self, epoch: int) -> Path:
        """File of the state after an epoch."""

    def newest_first(self) -> list[Path]:
        """The files that are there."""

    def thin(self) -> None:
        """Remove what is no longer needed."""


@dataclass(frozen=True, slots=True)
class TrialPlace:
    """The checkpoints of a trial, which the search looks after."""

    checkpoints: Checkpoints
    number: int

    def path(self, epoch: int) -> Path:
        """See `Place`."""
        return self.checkpoints.path(self.number, epoch)

    def newest_first(self) -> list[Path]:
        """See `Place`."""
        return self.checkpoints.of_trial(self.number)

    def thin(self) -> None:
        """See `Place`."""
        self.checkpoints.thin(self.number)


@dataclass(frozen=True, slots=True)
class PlainPlace:
    """States of a plain network, in files named after what they follow from."""

    folder: Path
    identity: str

    def path(self, epoch: int) -> Path:
        """See `Place`."""
        return self.folder / f"own-{self.identity[:16]}-{epoch}{ENDING}"

    def newest_first(self) -> list[Path]:
        """See `Place`."""
        found = self.folder.glob(f"own-{self.identity[:16]}-*{ENDING}")
        return sorted(found, key=lambda path: int(path.stem.rpartition("-")[2]), reverse=True)

    def thin(self) -> None:
        """See `Place`."""
        for path in self.newest_first()[KEPT_RUNGS:]:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _tensor(name: str, value: object) -> Tensor:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, int | float):
        return torch.tensor(value)
    raise InputError(
        f"state.save takes tensors by name; {name!r} is a {type(value).__name__}.",
        "Save its tensors under names of their own.",
    )
