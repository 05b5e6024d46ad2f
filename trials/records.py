"""The frozen words in which searching, executing, storing and reporting speak to each other.

Accuracy is a share (0 to 1) of validation images, times are UTC, durations are seconds of a
monotonic clock.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import search_spaces
from search_spaces import Backbone
from search_spaces.choices import Value
from search_spaces.latency import Latency
from trials.area import Area


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
    OVER_LATENCY = "over_latency"
    UNDER_LATENCY = "under_latency"
    KNOWN = "known"


class Verdict(StrEnum):
    """What `Search.report` answers to a measurement."""

    CONTINUE = "go on"
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
        latency: measured before the training; None where the study measures none.
        cost: what the study compares sizes by: parameters, where none is given, or MACs, or
            nanoseconds of latency.
    """

    study: str
    number: int
    config: "search_spaces.NetworkConfig"
    digest: str
    params: int
    macs: int
    seed: int
    attempt: int = 1
    latency: Latency | None = None
    cost: int = 0

    def __post_init__(self) -> None:
        """The cost is that of parameters unless it is given."""
        if not self.cost:
            object.__setattr__(self, "cost", self.params)

    @property
    def key(self) -> str:
        """What the trial is called among its study's jobs; fit for the name of a file."""
        return f"{self.number}"


class Role(StrEnum):
    """Why a network is measured that is no trial: which plain one it is, or a trial again."""

    PLAIN = "plain"
    WIDTH = "width"
    NAMED = "named"
    REPEAT = "repeat"
    AUDIT = "audit"

    @property
    def plain(self) -> bool:
        """Whether it is a network without warehouses, and no trial's."""
        return self not in (Role.REPEAT, Role.AUDIT)


@dataclass(frozen=True, slots=True)
class Baseline:
    """One training of a plain network, by the proxy that trials are measured by.

    Baselines are no trials: they stand on no front, and no sampler is told of them. So is it with a
    repeat, which trains the network of a trial from a further seed, and with an audit, which trains
    it to another length.

    Attributes:
        study: name of the study.
        number: place among the study's baselines, from 0.
        role: the study's own backbone, another width of it, or a network that a person names.
        backbone: table of the network.
        params: parameters of the plain network, exact.
        macs: MACs of one image at the proxy's input size, exact.
        seed: seed of the training; weights, order and augmentation follow from it.
        attempt: 1, and one more each time the baseline is handed out again.
        repeats: the trial whose network a repeat or an audit trains; None for a plain network.
        schedule_epochs: of an audit, the length of its schedule; None for that of a trial.
        latency: see `Trial`.
        cost: see `Trial`.
    """

    study: str
    number: int
    role: Role
    backbone: Backbone
    params: int
    macs: int
    seed: int
    attempt: int = 1
    repeats: Trial | None = None
    schedule_epochs: int | None = None
    latency: Latency | None = None
    cost: int = 0

    def __post_init__(self) -> None:
        """The cost is that of parameters unless it is given."""
        if not self.cost:
            object.__setattr__(self, "cost", self.params)

    @property
    def digest(self) -> str:
        """Of the network that is trained."""
        return self.backbone.digest if self.repeats is None else self.repeats.digest

    @property
    def key(self) -> str:
        """What the baseline is called among its study's jobs; fit for the name of a file."""
        return f"baseline-{self.number}"

    @property
    def network(self) -> str:
        """Name of the network."""
        return self.backbone.name if self.repeats is None else f"trial {self.repeats.number}"


Job = Trial | Baseline
"""What executors run."""


class Reported(NamedTuple):
    """A value that a task reports beside the quality that counts.

    Attributes:
        value: a finite number, in whatever unit and direction.
        error: its standard error, None where it is not known.
    """

    value: float
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """A network's state after an epoch: values by name, one of which counts.

    Attributes:
        epoch: epochs trained so far, from 1.
        accuracy: the study's quality, whatever its name is, a share; unless told otherwise that of
            validation images classified rightly.
        accuracy_error: its standard error over the images, see `trials.shares.standard_error`.
        loss: mean cross-entropy over the validation images, without label smoothing.
        images: validation images evaluated.
        seconds: time of training and evaluation that led here, from the first epoch on; the time
            of an attempt that got lost counts up to the checkpoint that the next one went on from.
        further: values by name that are kept and do not count, the quality not among them.
    """

    epoch: int
    accuracy: float
    accuracy_error: float
    loss: float
    images: int
    seconds: float
    further: Mapping[str, Reported] = field(default_factory=dict, hash=False)

    def numbers(self) -> Iterator[float]:
        """All that has to be finite."""
        yield from (self.accuracy, self.accuracy_error, self.loss, self.seconds)
        for value, error in self.further.values():
            yield value
            if error is not None:
                yield error


def by_name(plain: Mapping[str, Any] | None) -> dict[str, Reported]:
    """Further values out of pairs of value and error, as JSON keeps them; None is none of them."""
    return {name: Reported(*pair) for name, pair in (plain or {}).items()}


Report = Callable[[Measurement], Verdict]
"""What a measuring function calls after each rung; it returns early on ``Verdict.STOP``."""

Measure = Callable[[Job, Report], None]
"""Trains and measures one trial or baseline. It raises on failure; the executor names the cause."""


class Entry(NamedTuple):
    """A trial at a rung.

    Attributes:
        number: of the trial.
        cost: of its network, see `Trial`.
        accuracy: measured at the rung.
        went_on: whether it was trained beyond the rung, or still may be.
    """

    number: int
    cost: int
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
        members: numbers of the trials on the front, by ascending cost.
        hypervolume: mean height of the front over the logarithm of the cost, see
            `trials.area.Area`.
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
        accuracy: share of the images classified rightly, or of a detector the value that
            ``quality`` names.
        accuracy_error: its standard error; 0 where it was not worked out.
        loss: mean cross-entropy, without label smoothing; of a detector the mean loss of its last
            epoch.
        images: images evaluated.
        seconds: time of the training.
        data: name of the data set.
        part: ``"test"``, or ``"held-out"`` where the data set has no test set of its own and a
            fixed sixth of every class, which no search sees either, stands in for it.
        quality: name of what ``accuracy`` holds.
        detector: of which the network was the backbone, such as ``"mask-rcnn"``; None where the
            network itself was trained.
        further: other values by name.
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
    quality: str = "accuracy"
    detector: str | None = None
    further: Mapping[str, Reported] = field(default_factory=dict)
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
        smallest_params: left end of the area that hypervolume measures, see `trials.area.Area`; as
            `Trial.cost`, in MACs or nanoseconds where the study compares sizes by these.
        reference_params: its right end.
        reference_accuracy: its lower end.
    """

    name: str
    settings: Mapping[str, Any]
    backbone: Backbone
    seed: int
    trials: int
    smallest_params: int
    reference_params: int
    reference_accuracy: float

    @property
    def area(self) -> Area:
        """What hypervolume is a share of."""
        return Area(self.smallest_params, self.reference_params, self.reference_accuracy)


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
        finish_order: its place among the study's trials in the order in which they ended, from 0;
            None while open. Clocks step, so it does not follow from times.
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
    finish_order: int | None = None

    @property
    def number(self) -> int:
        """Place in the study, from 0."""
        return self.trial.number


@dataclass(frozen=True, slots=True)
class BaselineRecord:
    """A baseline as the database has it.

    Attributes:
        baseline: what is handed out.
        state: where it is; a baseline is never stopped.
        cause: see `Outcome`.
        detail: see `Outcome`.
        worker: who measured it last, ``host:pid``.
        lost: attempts at it since one has measured something new.
        epochs: epochs measured.
        accuracy: accuracy of its last measurement, None before the first.
        accuracy_error: its standard error.
        loss: loss of its last measurement.
        images: validation images of its last measurement.
        seconds: time of its last measurement.
        finished_at: UTC, None while open.
    """

    baseline: Baseline
    state: TrialState
    cause: str | None
    detail: str | None
    worker: str | None
    lost: int
    epochs: int
    accuracy: float | None
    accuracy_error: float | None
    loss: float | None
    images: int | None
    seconds: float
    finished_at: datetime | None

    @property
    def number(self) -> int:
        """Place among the study's baselines, from 0."""
        return self.baseline.number


@dataclass(frozen=True, slots=True)
class Earlier:
    """A trial or baseline of another study that was trained just as one of this would be.

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
        cost: of the network, see `Trial`.
        epochs: epochs measured.
        accuracy: accuracy after them.
    """

    number: int
    values: Mapping[str, Value]
    sampler_state: Mapping[str, Any]
    cost: int
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
