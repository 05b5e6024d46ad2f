"""The frozen words in which searching, executing, storing and reporting speak to each other.

Accuracy is a share (0 to 1) of validation images, times are UTC, durations are seconds of a
monotonic clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from search_spaces import Backbone, NetworkConfig
from search_spaces.choices import Value


class TrialState(StrEnum):
    """Where a trial is. Waiting and running are open; the others are final."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """Whether the trial is over."""
        return self not in (TrialState.WAITING, TrialState.RUNNING)


class Refusal(StrEnum):
    """Why a proposal never became a trial."""

    INFEASIBLE = "infeasible"
    OVER_BUDGET = "over_budget"
    UNDER_BUDGET = "under_budget"
    KNOWN = "known"


class Verdict(StrEnum):
    """What `Search.report` answers to a measurement."""

    GO_ON = "go on"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration to be measured: all that a worker needs to know.

    Attributes:
        study: name of the study.
        number: place in the study, from 0.
        config: the network.
        digest: canonical digest of the network; unique in the study.
        params: parameters of the network, exact.
        macs: MACs of one image at the proxy's input size, exact.
        seed: seed of the training, made from the study's seed and the digest.
        attempt: 1, and one more each time the trial is handed out again.
    """

    study: str
    number: int
    config: NetworkConfig
    digest: str
    params: int
    macs: int
    seed: int
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Measurement:
    """A network's state after an epoch.

    Attributes:
        epoch: epochs trained so far, from 1.
        accuracy: share of validation images classified rightly.
        accuracy_error: its binomial standard error, ``sqrt(a * (1 - a) / images)``.
        loss: mean cross-entropy over the validation images, without label smoothing.
        images: validation images evaluated.
        seconds: time of training and evaluation that led here, from the first epoch on; the time
            of an attempt that got lost counts up to the checkpoint that the next one went on from.
    """

    epoch: int
    accuracy: float
    accuracy_error: float
    loss: float
    images: int
    seconds: float


Report = Callable[[Measurement], Verdict]
"""What a measuring function calls after each rung; it returns early on ``Verdict.STOP``."""

Measure = Callable[[Trial, Report], None]
"""Trains and measures one trial. It raises on failure; the executor names the cause."""


class Entry(NamedTuple):
    """A trial at a rung.

    Attributes:
        number: of the trial.
        params: of its network.
        accuracy: measured at the rung.
        went_on: whether it was trained beyond the rung, or still may be.
    """

    number: int
    params: int
    accuracy: float
    went_on: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a trial goes on from a rung, and why, in a sentence for people."""

    goes_on: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: a final state.
        cause: for stopped and failed trials a short name such as ``"promotion"``,
            ``"non-finite"``, ``"out-of-memory"``, ``"timeout"`` or ``"error"``.
        detail: one line for people.
    """

    state: TrialState
    cause: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class FrontUpdate:
    """The front after a trial.

    Attributes:
        members: numbers of the trials on the front, by ascending parameters.
        hypervolume: area between front and reference point, in parameters x accuracy.
    """

    members: tuple[int, ...]
    hypervolume: float


@dataclass(frozen=True, slots=True)
class KeptFile:
    """The weights that are kept of a member of the front.

    Attributes:
        path: in the runs folder, with ``/`` between its parts.
        sha256: of the file.
        bytes: its size.
    """

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class FullTraining:
    """What a full training of a trial's configuration reached.

    Attributes:
        epochs: its length.
        accuracy: share of the images classified rightly.
        accuracy_error: its binomial standard error.
        loss: mean cross-entropy, without label smoothing.
        images: images evaluated.
        seconds: time of the training.
        data: name of the data set.
        part: ``"test"``, or ``"held-out"`` where the data set has no test set of its own and a
            fixed sixth of every class, which no search sees either, stands in for it.
        finished_at: UTC by the database's clock; None while it is not written.
    """

    epochs: int
    accuracy: float
    accuracy_error: float
    loss: float
    images: int
    seconds: float
    data: str
    part: str
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewStudy:
    """A study about to be created.

    Attributes:
        name: see `trials.store` for the rule on names.
        settings: the study file as plain values, with every default filled in.
        backbone: the table that plans are made on.
        seed: seed of sampler, split and trainings.
        trials: how many trials are asked for.
        reference_params: right end of the area that hypervolume measures.
        reference_accuracy: its lower end.
    """

    name: str
    settings: Mapping[str, Any]
    backbone: Backbone
    seed: int
    trials: int
    reference_params: int
    reference_accuracy: float


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study as the database has it.

    Attributes:
        spec: what it was created from, with its present number of trials.
        created_at: UTC.
        states: trials by state.
        refused: proposals turned down, by reason.
        epochs: epochs trained in all trials.
        seconds: time measured in all trials.
        hypervolume: of the present front; 0 before the first finished trial.
        version: version of kwsearch that created it.
    """

    spec: NewStudy
    created_at: datetime
    states: Mapping[TrialState, int]
    refused: Mapping[Refusal, int]
    epochs: int
    seconds: float
    hypervolume: float
    version: str

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.spec.name

    @property
    def finished(self) -> int:
        """Trials in a final state."""
        return sum(n for state, n in self.states.items() if state.final)


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A trial as the database has it.

    Attributes:
        trial: what was handed out.
        values: the choices that the sampler made, as `Space.decode` reads them.
        sampler_state: what the sampler wants back when it is rebuilt.
        state: where the trial is.
        cause: see `Outcome`.
        detail: see `Outcome`.
        worker: who measured it last, ``host:pid``.
        epochs: epochs measured.
        accuracy: accuracy of its last measurement, None before the first.
        accuracy_error: its standard error.
        loss: loss of its last measurement.
        seconds: time of its last measurement.
        started_at: UTC of the last attempt.
        finished_at: UTC, None while open.
        hypervolume: of the front after it, None while open.
    """

    trial: Trial
    values: Mapping[str, Value]
    sampler_state: Mapping[str, Any]
    state: TrialState
    cause: str | None
    detail: str | None
    worker: str | None
    epochs: int
    accuracy: float | None
    accuracy_error: float | None
    loss: float | None
    seconds: float
    started_at: datetime
    finished_at: datetime | None
    hypervolume: float | None

    @property
    def number(self) -> int:
        """Place in the study, from 0."""
        return self.trial.number


@dataclass(frozen=True, slots=True)
class Earlier:
    """A trial of another study that was trained just as a trial of this one would be.

    Attributes:
        study: its study.
        number: its place there.
        measurements: its measurements, by epoch.
    """

    study: str
    number: int
    measurements: tuple[Measurement, ...]

    @property
    def worker(self) -> str:
        """What stands for the worker of a trial whose measurements are copied from this one."""
        return f"copied from study {self.study!r}, trial {self.number}"


@dataclass(frozen=True, slots=True)
class PastTrial:
    """What samplers learn from a trial that ended complete or stopped.

    Attributes:
        number: place in the study.
        values: the choices that the sampler made.
        sampler_state: what the sampler wants back.
        params: parameters of the network.
        epochs: epochs measured.
        accuracy: accuracy after them.
    """

    number: int
    values: Mapping[str, Value]
    sampler_state: Mapping[str, Any]
    params: int
    epochs: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class FrontRecord:
    """One front that ever was.

    Attributes:
        number: place in the study's history of fronts, from 0.
        trial: number of the trial that made it.
        members: trials on it, by ascending parameters.
        hypervolume: see `FrontUpdate`.
        created_at: UTC.
    """

    number: int
    trial: int
    members: tuple[int, ...]
    hypervolume: float
    created_at: datetime
