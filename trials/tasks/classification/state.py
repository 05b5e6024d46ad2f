"""Everything that changes while a network is trained, and how it is kept and taken up again."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from trials.errors import DamagedDataError
from trials.records import Measurement
from trials.tasks.classification.average import Average
from trials.tasks.classification.checkpoint import Checkpoint
from trials.tasks.classification.process_group import ALONE, ProcessGroup

OPTIMISER, GENERATOR, AVERAGE = "optimiser/", "generator/", "average/"
"""What the names of tensors begin with that are no weights."""


@dataclass
class TrainingState:
    """A training under way.

    Attributes:
        network: being trained, in place.
        optimiser: its moments are kept; rates and decays follow from recipe and step.
        draws: generator of order and augmentation; the same in all processes of a group.
        device: where the network is; torch's generator there draws for dropout.
        step: steps taken.
        epoch: epochs trained.
        measurements: all that were made.
        earlier: seconds of attempts that this one goes on from.
        average: the moving average of the weights, which is measured then; None for none.
        group: the processes that train it together.
    """

    network: nn.Module
    optimiser: Optimizer
    draws: Generator
    device: torch.device
    step: int = 0
    epoch: int = 0
    measurements: list[Measurement] = field(default_factory=list)
    earlier: float = 0.0
    average: Average | None = None
    group: ProcessGroup = ALONE
    _started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.learning = self.group.wrapped(self.network)
        """What is called in training: the network, or the network with its group around it."""

    @property
    def measured(self) -> nn.Module:
        """The network that measurements are of."""
        return self.network if self.average is None else self.average.network

    @property
    def seconds(self) -> float:
        """Time of training and evaluation so far."""
        return self.earlier + time.monotonic() - self._started

    def weights(self) -> list[str]:
        """Names of the network's own tensors, buffers included."""
        return list(self.network.state_dict())

    def checkpoint(self, identity: str) -> Checkpoint:
        """The present state; its tensors are the living ones until it is written."""
        return Checkpoint(
            identity=identity,
            epoch=self.epoch,
            step=self.step,
            seconds=self.seconds,
            measurements=tuple(self.measurements),
            tensors={
                **self.network.state_dict(),
                **self._average(),
                **_moments(self.optimiser),
                **self._generators(),
            },
        )

    def restore(self, kept: Checkpoint) -> None:
        """Go on from a checkpoint of the same training.

        Raises:
            DamagedDataError: it lacks a tensor, or has one of another shape.
        """
        try:
            weights = {name: kept.tensors[name] for name in self.weights()}
            self.network.load_state_dict(weights)
            if any(name.startswith(GENERATOR) for name in kept.tensors):
                if self.average is not None:
                    self.average.network.load_state_dict(
                        {name: kept.tensors[AVERAGE + name] for name in self.weights()}
                    )
                _restore_moments(self.optimiser, kept.tensors)
                self._restore_generators(kept.tensors)
        except (KeyError, RuntimeError, ValueError) as error:
            raise DamagedDataError(
                f"A checkpoint of epoch {kept.epoch} does not fit its network: {error}.",
                "Remove it and train from the start.",
            ) from None
        self.step, self.epoch = kept.step, kept.epoch
        self.measurements = list(kept.measurements)
        self.earlier = kept.seconds

    def _average(self) -> dict[str, Tensor]:
        if self.average is None:
            return {}
        return {AVERAGE + name: value for name, value in self.average.network.state_dict().items()}

    def _generators(self) -> dict[str, Tensor]:
        found = {"draws": self.draws.get_state(), "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            found["cuda"] = torch.cuda.get_rng_state(self.device)
        return {GENERATOR + name: state for name, state in found.items()}

    def _restore_generators(self, tensors: Mapping[str, Tensor]) -> None:
        self.draws.set_state(tensors[GENERATOR + "draws"])
        if self.group.rank:  # its own stream is not kept: it begins another one here
            torch.manual_seed(self.draws.initial_seed() + self.group.rank + self.step)
            return
        torch.set_rng_state(tensors[GENERATOR + "torch"])
        if self.device.type == "cuda" and GENERATOR + "cuda" in tensors:
            torch.cuda.set_rng_state(tensors[GENERATOR + "cuda"], self.device)


def _moments(optimiser: Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers of each parameter, by the parameter's index in it."""
    return {
        f"{OPTIMISER}{index}/{name}": value
        for index, kept in optimiser.state_dict()["state"].items()
        for name, value in kept.items()
        if isinstance(value, Tensor)
    }


def _restore_moments(optimiser: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    whole = optimiser.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(OPTIMISER):
            index, _, key = name.removeprefix(OPTIMISER).partition("/")
            state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({**whole, "state": state})
