"""What the verbs of `kwsearch.api` answer with: dictionaries whose keys and types stand here.

They are dictionaries, not objects, so that a table, JSON, CSV and a pandas frame show the same.
Parameters and MACs are counts; accuracies, gains and their errors are shares of the images; times
are seconds, and moments are in ISO 8601.
"""

from typing import Any, TypedDict


class Timed(TypedDict, total=False):
    """Median and quartiles of the latency, in seconds of one batch; only where it is measured."""

    latency: float
    latency_low: float
    latency_high: float
    hardware: str


class TrialRow(Timed):
    """A trial; ``accuracy`` and what belongs to it are of its last measurement, None before it."""

    trial: int
    params: int
    macs: int
    accuracy: float | None
    accuracy_error: float | None
    loss: float | None
    epochs: int
    state: str
    seconds: float
    digest: str
    config: dict[str, Any]


class Gained(TypedDict):
    """A network beside the plain backbone; None where that was not measured."""

    of_plain: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None


class Trained(TypedDict):
    """From how many seeds a network was trained; the interval is known of several alone."""

    seeds: int
    accuracy_low: float | None
    accuracy_high: float | None


class FrontRow(TrialRow, Gained, Trained):
    """A member of the front."""


class ReportedRow(TypedDict):
    """A value that was reported after an epoch, by its name; the error is None if not known."""

    epoch: int
    name: str
    value: float
    error: float | None


class BestRow(FrontRow):
    """A member of the front, with all that its own training reported last."""

    reported: list[ReportedRow]


class CurveRow(TypedDict):
    """A measurement, and what promotion decided on it; None where it decided nothing."""

    epoch: int
    accuracy: float
    accuracy_error: float
    loss: float
    images: int
    seconds: float
    goes_on: bool | None
    reason: str | None


class BeatenBy(Timed):
    """A trial that costs no more and is no less accurate than another."""

    trial: int
    params: int
    accuracy: float | None


class ShownTrial(TrialRow):
    """A trial with all that is known of it."""

    on_front: bool
    cause: str | None
    detail: str | None
    attempt: int
    seed: int
    worker: str | None
    started_at: str
    finished_at: str | None
    values: dict[str, Any]
    full_trainings: list[dict[str, Any]]
    measurements: list[CurveRow]
    reported: list[ReportedRow]
    beaten_by: list[BeatenBy]


class BaselineRow(Timed):
    """A training of a plain network, or a repeat of a trial."""

    baseline: int
    network: str
    role: str
    params: int
    macs: int
    seed: int
    accuracy: float | None
    accuracy_error: float | None
    loss: float | None
    epochs: int
    state: str
    cause: str | None
    detail: str | None
    seconds: float
